# The bare kind: M-mode, no translation. Prints over HTIF and over the UART, looks at what a hart starts with and
# at its interrupts, and ends with exit status STATUS, or with the number of the check that failed.

#include "htif.inc"

#define UART 0x10000000
#define ACLINT 0x2000000
#define MTIMECMP 0x4000
#define MTIME 0xbff8
#define TOHOST_PUT (0x0101 << 48)
#define MISA_REQUIRED ((1 << 0) | (1 << 2) | (1 << 3) | (1 << 5) | (1 << 8) | (1 << 12) | (1 << 18) | (1 << 20))

  .section .text.start, "ax"
  .globl _start
_start:
  csrr s0, mhartid
  bnez s0, park
  la t0, trap
  csrw mtvec, t0

  # 91: a0 is the number of the hart, a1 a device tree
  li s1, 91
  bnez a0, failed
  lw t0, 0(a1)
  li t1, 0xffffffffedfe0dd0
  bne t0, t1, failed

  # 92: RV64 with A, C, D, F, I, M, S and U
  li s1, 92
  csrr t0, misa
  srli t1, t0, 62
  li t2, 2
  bne t1, t2, failed
  li t1, MISA_REQUIRED
  and t0, t0, t1
  bne t0, t1, failed

  # 93: what is no instruction traps, with epc and tval
  li s1, 93
  li s2, 2
  la s3, illegal
  li s4, 0xffffffff
illegal:
  .word 0xffffffff
  bnez s2, failed

  # 94: an address that nothing answers
  li s1, 94
  li s2, 5
  la s3, nowhere
  li s4, 0x4000000000
nowhere:
  .option push
  .option norvc
  ld t0, 0(s4)
  .option pop
  bnez s2, failed

  # "hi" over HTIF, one character after the other, then a line over the UART
  la s5, greeting
1:
  lbu t0, 0(s5)
  beqz t0, 3f
  li t1, TOHOST_PUT
  or t0, t0, t1
  la t2, tohost
  sd t0, 0(t2)
2:
  ld t0, 0(t2)
  bnez t0, 2b
  addi s5, s5, 1
  j 1b
3:
  la s5, line
  li t1, UART
4:
  lbu t0, 0(s5)
  beqz t0, 5f
  sb t0, 0(t1)
  addi s5, s5, 1
  j 4b
5:
  # 95: the system call write(1, line, 4) over HTIF: its block's address goes to tohost, an answer to fromhost
  li s1, 95
  la s5, call_block
  la t0, line
  sd t0, 16(s5)
  la t2, tohost
  la t3, fromhost
  sd s5, 0(t2)
6:
  ld t0, 0(t3)
  beqz t0, 6b
  sd x0, 0(t3)
  ld t0, 0(s5)
  li t1, 4
  bne t0, t1, failed

  # 96: the software interrupt of this hart is pending while its word is 1
  li s1, 96
  li t0, ACLINT
  li t1, 1
  sw t1, 0(t0)
  csrr t2, mip
  andi t2, t2, 1 << 3
  beqz t2, failed
  sw x0, 0(t0)
  csrr t2, mip
  andi t2, t2, 1 << 3
  bnez t2, failed

  # 97: the timer interrupt wakes the hart, not before it is due, and is gone when it is set again
  li s1, 97
  li t0, ACLINT + MTIMECMP
  li t1, ACLINT + MTIME
  ld t2, 0(t1)
  li t3, 100000
  add t2, t2, t3
  sd t2, 0(t0)
  li t3, 1 << 7
  csrw mie, t3
7:
  wfi
  csrr t3, mip
  andi t3, t3, 1 << 7
  beqz t3, 7b
  ld t3, 0(t1)
  bltu t3, t2, failed
  li t3, -1
  sd t3, 0(t0)
  csrr t3, mip
  andi t3, t3, 1 << 7
  bnez t3, failed

  li s1, STATUS
failed:
  exit s1
park:
  wfi
  j park

# Expects cause s2, epc s3 and tval s4; goes on behind the four bytes at epc with s2 = 0.
  .balign 4
trap:
  csrr t0, mcause
  bne t0, s2, failed
  csrr t0, mepc
  bne t0, s3, failed
  csrr t1, mtval
  bne t1, s4, failed
  addi t0, t0, 4
  csrw mepc, t0
  li s2, 0
  mret

  .data
greeting:
  .asciz "hi\n"
line:
  .asciz "and by UART\n"
  .balign 64
call_block:
  .dword 64, 1, 0, 4, 0, 0, 0, 0
