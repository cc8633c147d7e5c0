# Every hart takes a lock ITERATIONS times and, holding it, adds 1 to two words with plain loads and stores.
# BY_LRSC: the lock is taken with load-reserved and store-conditional, else with AMOSWAP.

#include "litmus.inc"

  program
  barrier
  la a0, lock
  la a1, shared
  la a2, other
  li a3, 1
  mv a4, s2
1:
#if BY_LRSC
2:
  lr.w.aq a5, (a0)
  bnez a5, 2b
  sc.w a5, a3, (a0)
  bnez a5, 2b
#else
2:
  lw a5, 0(a0)
  bnez a5, 2b
  amoswap.w.aq a5, a3, (a0)
  bnez a5, 2b
#endif
  ld a6, 0(a1)
  ld a7, 0(a2)
  addi a6, a6, 1
  addi a7, a7, 1
  sd a6, 0(a1)
  sd a7, 0(a2)
#if BY_LRSC
  fence rw, w
  sw x0, 0(a0)
#else
  amoswap.w.rl x0, x0, (a0)
#endif
  beq a6, a7, 3f
  fail 1
3:
  addi a4, a4, -1
  bnez a4, 1b
  barrier
  ld a4, 0(a1)
  mul a5, s1, s2
  beq a4, a5, 4f
  fail 2
4:
  barrier
  pass
