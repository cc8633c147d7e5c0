# A raw S-mode image, entered as kernels are: no header, a0 = hart, a1 = device tree. Prints by the debug console and
# by the UART, checks the SBI, and ends by system reset: with a shutdown, or one for system failure if a check fails.

#define EXT_BASE 0x10
#define EXT_TIME 0x54494d45
#define EXT_IPI 0x735049
#define EXT_RFENCE 0x52464e43
#define EXT_HSM 0x48534d
#define EXT_SRST 0x53525354
#define EXT_DBCN 0x4442434e
#define EXT_SUSP 0x53555350
#define EXT_PMU 0x504d55
#define ERROR_NOT_SUPPORTED -2
#define ERROR_INVALID_PARAM -3
#define ERROR_INVALID_ADDRESS -5
#define ERROR_ALREADY_AVAILABLE -6
#define UART 0x10000000
#define BAD_FUNCTION 0xbad
#define GREETING_BYTES 13
#define HALF_SECOND 5000000

  .macro sbi extension, function
  li a7, \extension
  li a6, \function
  ecall
  .endm

  # The call's error must be \error.
  .macro expect error
  li t0, \error
  bne a0, t0, failed
  .endm

  .macro check
  addi s1, s1, 1
  .endm

  .section .text.start, "ax"
  .globl _start
_start:
  mv s0, a0
  mv s8, a1
  li s1, 0
  la t0, failed
  csrw stvec, t0

  # 1: a1 is a device tree
  check
  lw t0, 0(s8)
  li t1, 0xffffffffedfe0dd0
  bne t0, t1, failed

  # 2: SBI 2.0 or later; 3: every extension is there; 4: others are not
  check
  sbi EXT_BASE, 0
  expect 0
  li t0, 2 << 24
  bltu a1, t0, failed
  check
  la s2, extensions
1:
  ld s3, 0(s2)
  beqz s3, 2f
  mv a0, s3
  sbi EXT_BASE, 3
  expect 0
  beqz a1, failed
  # a function that no extension has
  mv a7, s3
  li a6, BAD_FUNCTION
  ecall
  expect ERROR_NOT_SUPPORTED
  addi s2, s2, 8
  j 1b
2:
  check
  li a0, 0xb000000
  sbi EXT_BASE, 3
  expect 0
  bnez a1, failed

  # 5: the debug console writes all of it, and refuses what is no memory
  check
  li a0, GREETING_BYTES
  la a1, greeting
  li a2, 0
  sbi EXT_DBCN, 0
  expect 0
  li t0, GREETING_BYTES
  bne a1, t0, failed
  li a0, 1
  li a1, 0x1000
  li a2, 0
  sbi EXT_DBCN, 0
  expect ERROR_INVALID_PARAM
  li a0, 0x64636261
  sbi EXT_DBCN, 2
  expect 0
  la s2, line
  li t1, UART
3:
  lbu t0, 0(s2)
  beqz t0, 4f
  sb t0, 0(t1)
  addi s2, s2, 1
  j 3b
4:

  # 6: the timer becomes pending, not before it is due, and goes when it is set again
  check
  rdtime s2
  li t0, HALF_SECOND / 50
  add s2, s2, t0
  mv a0, s2
  sbi EXT_TIME, 0
  expect 0
  li t0, 1 << 5
  csrw sie, t0
5:
  wfi
  csrr t0, sip
  andi t0, t0, 1 << 5
  beqz t0, 5b
  rdtime t0
  bltu t0, s2, failed
  li a0, -1
  sbi EXT_TIME, 0
  csrr t0, sip
  andi t0, t0, 1 << 5
  bnez t0, failed

  # 7: harts: this one has started, the last + 1 does not exist, a hart cannot start where there is no memory
  check
  mv a0, s0
  sbi EXT_HSM, 2
  expect 0
  bnez a1, failed
  li a0, HARTS
  sbi EXT_HSM, 2
  expect ERROR_INVALID_PARAM
  mv a0, s0
  la a1, other_hart
  sbi EXT_HSM, 0
  expect ERROR_ALREADY_AVAILABLE
  li s3, 1
  sub s3, s3, s0
  mv a0, s3
  li a1, 0x1000
  sbi EXT_HSM, 0
  expect ERROR_INVALID_ADDRESS

  # 8: the other hart starts with its number and our word, waits for an interrupt, gets it, and stops
  check
  mv a0, s3
  la a1, other_hart
  li a2, 0x1234
  sbi EXT_HSM, 0
  expect 0
  la s2, other_state
6:
  ld t0, 0(s2)
  beqz t0, 6b
  bltz t0, failed
  li a0, 1
  mv a1, s3
  sbi EXT_IPI, 0
  expect 0
7:
  mv a0, s3
  sbi EXT_HSM, 2
  expect 0
  li t0, 1
  bne a1, t0, 7b
  ld t0, 0(s2)
  li t1, 2
  bne t0, t1, failed

  # 9: fences and interrupts to harts that do not exist, and to none
  check
  li a0, 1
  li a1, HARTS
  sbi EXT_IPI, 0
  expect ERROR_INVALID_PARAM
  li a0, 0
  li a1, 0
  sbi EXT_IPI, 0
  expect 0
  li a0, -1
  li a1, -1
  li a2, 0
  li a3, 0
  sbi EXT_RFENCE, 1
  expect 0
  li a0, 1
  li a1, HARTS
  sbi EXT_RFENCE, 0
  expect ERROR_INVALID_PARAM

  # 10: a retentive suspend comes back when the timer is due
  check
  rdtime a0
  li t0, HALF_SECOND / 50
  add a0, a0, t0
  sbi EXT_TIME, 0
  li a0, 0
  sbi EXT_HSM, 3
  expect 0
  li a0, -1
  sbi EXT_TIME, 0

  # 11: a system suspend resumes elsewhere, translation and interrupts off
  check
  li a0, 1
  la a1, resumed
  sbi EXT_SUSP, 0
  expect ERROR_INVALID_PARAM
  # A busy host may take longer than the timer: no interrupt is let in.
  csrw sie, x0
  rdtime a0
  li t0, HALF_SECOND / 50
  add a0, a0, t0
  sbi EXT_TIME, 0
  li t0, 1 << 5
  csrw sie, t0
  li a0, 0
  la a1, resumed
  li a2, 0x4321
  sbi EXT_SUSP, 0
  j failed
resumed:
  bne a0, s0, failed_resume
  li t0, 0x4321
  bne a1, t0, failed_resume
  csrr t0, satp
  bnez t0, failed_resume
  csrr t0, sstatus
  andi t0, t0, 1 << 1
  bnez t0, failed_resume

  li a1, REASON
  j reset
failed_resume:
failed:
  # the number of the check, as a letter
  addi a0, s1, 'A' - 1
  sbi EXT_DBCN, 2
  li a1, 1
reset:
  li a0, 0
  sbi EXT_SRST, 0
park:
  wfi
  j park

# Says 1, waits for the software interrupt, says 2 and stops; says -1 if it did not start as it should.
other_hart:
  la t1, other_state
  li t2, -1
  li t0, 0x1234
  bne a1, t0, 1f
  csrr t0, satp
  bnez t0, 1f
  csrr t0, sstatus
  andi t0, t0, 1 << 1
  bnez t0, 1f
  li t0, 1 << 1
  csrw sie, t0
  li t2, 1
  sd t2, 0(t1)
2:
  wfi
  csrr t0, sip
  andi t0, t0, 1 << 1
  beqz t0, 2b
  li t2, 2
1:
  sd t2, 0(t1)
  fence rw, rw
  sbi EXT_HSM, 1
  j park

  .data
  .balign 8
extensions:
  .dword EXT_BASE, EXT_TIME, EXT_IPI, EXT_RFENCE, EXT_HSM, EXT_SRST, EXT_DBCN, EXT_SUSP, EXT_PMU, 0
greeting:
  .ascii "hello by SBI\n"
line:
  .asciz "\nhello by UART\n"

  .bss
  .balign 8
other_state:
  .dword 0
