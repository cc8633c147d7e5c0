# A guest that writes code into a page again and again and runs it there, with fence.i between: ROUNDS times, LOOPS
# times around each time, VERSIONS different pieces of code by turns (fewer than 2^19). At last a loop on another
# page, which has never changed, SETTLED times around.

#include "litmus.inc"

  program
  li s3, 0
  la s4, patched
  li s5, VERSIONS
  li s6, LOOPS
round:
  remu t0, s3, s5
  addi t0, t0, 1
  slli s7, t0, 12
  # lui a2, t0
  ori t1, s7, 0x637
  sw t1, 0(s4)
  fence.i
  li a0, 0
  mv a1, s6
1:
  .option push
  .option norvc
patched:
  lui a2, 0
  .option pop
  add a0, a0, a2
  addi a1, a1, -1
  bnez a1, 1b
  mul t0, s7, s6
  beq a0, t0, 5f
  fail 1
5:
  addi s3, s3, 1
  bne s3, s2, round
  j settled

  .balign 4096
settled:
  li a1, SETTLED
  beqz a1, 7f
6:
  addi a1, a1, -1
  bnez a1, 6b
7:
  pass
