# S-mode, started by the machine itself: hart 0 changes what hart 1 has cached, asks the SBI for a fence there, and
# then says so; hart 1 must never find anything older than what was said.
# CODE = 1: an instruction is changed (remote fence.i; fewer than 2^20 rounds), else a page-table entry (remote
# sfence.vma). PACE: rounds of hart 1 between two changes, 0 for no wait.
# Ends by system reset, with a reason that says whether it failed.

#define EXT_HSM 0x48534d
#define EXT_RFENCE 0x52464e43
#define EXT_SRST 0x53525354
#define PTE_TABLE 0x01
#define PTE_LEAF 0xcf
#define WINDOW 0x40000000

  .macro sbi extension, function
  li a7, \extension
  li a6, \function
  ecall
  .endm

  .section .text.start, "ax"
  .globl _start
_start:
  mv s0, a0
  la t0, unexpected
  csrw stvec, t0
  li s2, ITERATIONS
  la s3, said
  la s4, window_leaves

  # Slot 1 of the root leads to the window, slot 2 maps this program where it is.
  la t0, root
  la t1, window_middle
  srli t1, t1, 2
  ori t1, t1, PTE_TABLE
  sd t1, 8(t0)
  li t1, (0x80000000 >> 2) | PTE_LEAF
  sd t1, 16(t0)
  la t0, window_middle
  srli t1, s4, 2
  ori t1, t1, PTE_TABLE
  sd t1, 0(t0)
  la t1, page_0
  srli t1, t1, 2
  ori t1, t1, PTE_LEAF
  sd t1, 0(s4)

  # The other hart is 1 - this one: which of the two is started first is up to the machine.
  li s5, 1
  sub s5, s5, s0
  mv a0, s5
  la a1, other_hart
  li a2, 0
  sbi EXT_HSM, 0
  bnez a0, failed
  call translate

  li s1, 0
1:
  addi s1, s1, 1
#if CODE
  # lui a0, s1
  slli t0, s1, 12
  ori t0, t0, 0x537
  la t1, patched
  sw t0, 0(t1)
#else
  # The round's number into the page that is not mapped, which is mapped then.
  andi t0, s1, 1
  slli t0, t0, 12
  la t1, page_0
  add t1, t1, t0
  sd s1, 0(t1)
  fence w, w
  srli t1, t1, 2
  ori t1, t1, PTE_LEAF
  sd t1, 0(s4)
#endif
  fence rw, rw
  li a0, 1
  mv a1, s5
  li a2, WINDOW
  li a3, 4096
#if CODE
  sbi EXT_RFENCE, 0
#else
  sbi EXT_RFENCE, 1
#endif
  bnez a0, failed
  fence rw, w
  sd s1, 0(s3)
#if PACE
  ld t0, 16(s3)
  li t1, PACE
  add t0, t0, t1
5:
  ld t1, 16(s3)
  bltu t1, t0, 5b
  sd s1, 24(s3)
#endif
  bne s1, s2, 1b
2:
  # Hart 1 has seen the last round.
  ld t0, 8(s3)
  beqz t0, 2b
  li a1, 0
  j reset

other_hart:
  la t0, unexpected
  csrw stvec, t0
  li s2, ITERATIONS
  la s3, said
  li s4, WINDOW
  call translate
3:
  ld s1, 0(s3)
  fence r, rw
#if CODE
  call patched
  srliw a0, a0, 12
#else
  ld a0, 0(s4)
#endif
  bltu a0, s1, failed
#if PACE
  # Goes on counting behind the last round, so that hart 0 comes to its end.
  ld t0, 16(s3)
  addi t0, t0, 1
  sd t0, 16(s3)
  ld t0, 24(s3)
  bltu t0, s2, 3b
#endif
  bne s1, s2, 3b
  li t0, 1
  sd t0, 8(s3)
4:
  wfi
  j 4b

translate:
  la t0, root
  srli t0, t0, 12
  li t1, 8
  slli t1, t1, 60
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
  ret

unexpected:
failed:
  li a1, 1
reset:
  li a0, 0
  sbi EXT_SRST, 0

  .balign 4
patched:
  .option push
  .option norvc
  lui a0, 0
  ret
  .option pop

  .bss
  .balign 4096
root:
  .skip 4096
window_middle:
  .skip 4096
window_leaves:
  .skip 4096
page_0:
  .skip 4096
page_1:
  .skip 4096
said:
  .skip 64
