# Every hart adds 1 to one word ITERATIONS times; nothing may be lost.
# BY_LRSC: with load-reserved and store-conditional, else with AMOs. WIDTH: w or d.

#include "litmus.inc"
#define CAT_(a, b) a ## b
#define CAT(a, b) CAT_(a, b)

  program
  barrier
  la a0, shared
  mv a1, s2
  li a2, 1
1:
#if BY_LRSC
2:
  CAT(lr., WIDTH) a3, (a0)
  add a3, a3, a2
  CAT(sc., WIDTH) a4, a3, (a0)
  bnez a4, 2b
#else
  CAT(amoadd., WIDTH) x0, a2, (a0)
#endif
  addi a1, a1, -1
  bnez a1, 1b
  barrier
  CAT(l, WIDTH) a1, 0(a0)
  mul a2, s1, s2
  beq a1, a2, 3f
  fail 1
3:
  barrier
  pass
