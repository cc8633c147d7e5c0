# No hart reads an earlier time than another has read before: each looks at the latest time that is known, reads its
# own, and makes that known.

#include "litmus.inc"

  program
  la a0, shared
  mv a1, s2
  barrier
1:
  ld a2, 0(a0)
  fence iorw, iorw
  rdtime a3
  bgeu a3, a2, 2f
  fail 1
2:
  fence iorw, iorw
  amomaxu.d x0, a3, (a0)
  addi a1, a1, -1
  bnez a1, 1b
  barrier
  pass
