# The virtual-memory kind: M-mode sets Sv39 up, a test runs in U-mode at virtual addresses, and a handler in S-mode
# pages it in on demand: first the page, from where it was loaded, then its A bit, then its D bit, each on a fault.
# Ends with exit status STATUS, or with the number of the check that failed.

#include "htif.inc"

#define PTE_TABLE 0x01
#define PTE_V 0x01
#define PTE_RWXU 0x1e
#define PTE_A 0x40
#define PTE_D 0x80
#define PTE_KERNEL 0xef
#define PAGE 4096
#define USER_BASE 0x10000
#define FAULTS_EXPECTED 18

  .section .text.start, "ax"
  .globl _start
_start:
  csrr t0, mhartid
  bnez t0, park
  la t0, machine_trap
  csrw mtvec, t0
  li t0, -1
  srli t0, t0, 10
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  # User environment calls and page faults go to S-mode. A and D are software's: menvcfg.ADUE is 0.
  li t0, (1 << 8) | (1 << 12) | (1 << 13) | (1 << 15)
  csrw medeleg, t0
  csrw menvcfg, x0

  la t0, root
  la t1, user_middle
  srli t1, t1, 2
  ori t1, t1, PTE_TABLE
  sd t1, 0(t0)
  li t1, (0x80000000 >> 2) | PTE_KERNEL
  sd t1, 16(t0)
  la t0, user_middle
  la t1, user_leaves
  srli t1, t1, 2
  ori t1, t1, PTE_TABLE
  sd t1, 0(t0)
  la t0, root
  srli t0, t0, 12
  li t1, 8
  slli t1, t1, 60
  or t0, t0, t1
  csrw satp, t0
  sfence.vma

  la t0, supervisor_trap
  csrw stvec, t0
  la t0, frame
  csrw sscratch, t0
  la t0, free_pages
  la t1, next_free
  sd t0, 0(t1)
  li t0, USER_BASE
  csrw sepc, t0
  li t0, 1 << 8
  csrc sstatus, t0
  sret

park:
  wfi
  j park

  .balign 4
machine_trap:
  li s1, 90
  exit s1

# Saves t0 to t5 in the frame that sscratch points to; a0 is the argument of an environment call.
  .balign 4
supervisor_trap:
  csrrw sp, sscratch, sp
  sd t0, 0(sp)
  sd t1, 8(sp)
  sd t2, 16(sp)
  sd t3, 24(sp)
  sd t4, 32(sp)
  sd t5, 40(sp)
  csrr t0, scause
  li t1, 8
  beq t0, t1, user_ended
  ld t1, 48(sp)
  addi t1, t1, 1
  sd t1, 48(sp)

  # t1: number of the page; t2: address of its leaf
  csrr t1, stval
  srli t1, t1, 12
  la t2, user_leaves
  slli t3, t1, 3
  add t2, t2, t3
  ld t3, 0(t2)
  beqz t3, page_in
  andi t4, t3, PTE_A
  beqz t4, accessed
  li t4, 15
  bne t0, t4, unexpected
  andi t4, t3, PTE_D
  bnez t4, unexpected
  ori t3, t3, PTE_D
  j installed
accessed:
  ori t3, t3, PTE_A
installed:
  sd t3, 0(t2)
  csrr t1, stval
  sfence.vma t1
  # What was stored into a page before it became executable is fetched now.
  fence.i
  ld t0, 0(sp)
  ld t1, 8(sp)
  ld t2, 16(sp)
  ld t3, 24(sp)
  ld t4, 32(sp)
  ld t5, 40(sp)
  csrrw sp, sscratch, sp
  sret

page_in:
  # A fresh page becomes a copy of the page of the image.
  li t4, USER_BASE >> 12
  bltu t1, t4, unexpected
  sub t1, t1, t4
  slli t1, t1, 12
  la t4, user
  add t1, t1, t4
  la t4, user_end
  bgeu t1, t4, unexpected
  la t5, next_free
  ld t3, 0(t5)
  li t4, PAGE
  add t4, t4, t3
  sd t4, 0(t5)
  mv t5, t3
1:
  ld t0, 0(t1)
  sd t0, 0(t5)
  addi t1, t1, 8
  addi t5, t5, 8
  bltu t5, t4, 1b
  srli t3, t3, 12
  slli t3, t3, 10
  ori t3, t3, PTE_V | PTE_RWXU
  j installed

unexpected:
  li s1, 91
  exit s1

# a0: 0 or the number of the check that failed in U-mode. Then: was everything touched as it should be?
user_ended:
  mv s1, a0
  bnez s1, 9f
  li s1, 92
  ld t0, 48(sp)
  li t1, FAULTS_EXPECTED
  bne t0, t1, 9f
  la t0, user_leaves
  la t1, expected_flags
  la t2, expected_flags_end
  addi t0, t0, (USER_BASE >> 12) * 8
  li s1, 93
2:
  ld t3, 0(t0)
  andi t3, t3, PTE_V | PTE_A | PTE_D
  lbu t4, 0(t1)
  bne t3, t4, 9f
  addi t0, t0, 8
  addi t1, t1, 1
  bltu t1, t2, 2b
  li s1, STATUS
9:
  exit s1

# Code, more code, read, written, two halves of one store, written before it is read, and two that nobody touches.
expected_flags:
  .byte 0x41, 0x41, 0x41, 0xc1, 0xc1, 0xc1, 0xc1, 0, 0
expected_flags_end:

# The test. It runs at USER_BASE, and reaches its data relative to pc.
  .section .text.user, "ax"
  .balign PAGE
user:
  li s2, 0x0123456789abcdef
  # 1: a read finds what was loaded
  la s3, page_read
  ld t0, 8(s3)
  li a0, 1
  bne t0, s2, done
  # 2: a write is read back, and leaves the rest of its page
  la s3, page_written
  li t1, 0x55
  sb t1, 16(s3)
  ld t0, 16(s3)
  li a0, 2
  li t2, 0x0123456789abcd55
  bne t0, t2, done
  ld t0, 24(s3)
  bne t0, s2, done
  # 3: a store across two pages that are not there
  la s3, page_half
  addi s3, s3, -5
  sd s2, 0(s3)
  ld t0, 0(s3)
  li a0, 3
  bne t0, s2, done
  # 4: a call into another page
  call far
  li t1, 77
  li a0, 4
  bne s4, t1, done
  # 5: an AMO on a page that is not there
  la s3, page_atomic
  li t1, 1
  amoadd.d t0, t1, (s3)
  li a0, 5
  bne t0, s2, done
  ld t0, 0(s3)
  addi t1, s2, 1
  bne t0, t1, done
  li a0, 0
done:
  ecall
  j done

  .balign PAGE
far:
  li s4, 77
  ret

  .macro filled_page
  .balign PAGE
  .rept PAGE / 8
  .dword 0x0123456789abcdef
  .endr
  .endm

  .balign PAGE
page_read:
  filled_page
page_written:
  filled_page
page_before:
  filled_page
page_half:
  filled_page
page_atomic:
  filled_page
page_unused_0:
  filled_page
page_unused_1:
  filled_page
user_end:

  .bss
  .balign PAGE
root:
  .skip PAGE
user_middle:
  .skip PAGE
user_leaves:
  .skip PAGE
free_pages:
  .skip 16 * PAGE
frame:
  .skip 64
next_free:
  .dword 0
