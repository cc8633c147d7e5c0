# In each round both harts write a word of their own and then read the other's; each round has a number, which is
# what is written. FENCED: fence rw,rw lies between, so at least one of them must see the other's new value. Without
# it both may read the old one; that is counted in results + 128, and nothing else may be read.

#include "litmus.inc"

  program
  la a0, shared
  la a1, other
  la s3, results
  # a0: mine, a1: the other's; s4: my result and its round, s5: the other's
  addi s4, s3, 0
  addi s5, s3, 64
  beqz s0, 1f
  mv t0, a0
  mv a0, a1
  mv a1, t0
  addi s4, s3, 64
  addi s5, s3, 0
1:
  barrier
  li a2, 0
round:
  addi a2, a2, 1
  sd a2, 0(a0)
#if FENCED
  fence rw, rw
#endif
  ld a3, 0(a1)

  # The result goes to one of two places by turns, because the other hart may be a round behind.
  andi t0, a2, 1
  slli t0, t0, 3
  add t1, s4, t0
  sd a3, 16(t1)
  fence w, w
  sd a2, 0(s4)
2:
  ld t2, 0(s5)
  bltu t2, a2, 2b
  fence r, rw
  add t1, s5, t0
  ld a4, 16(t1)

  addi t2, a2, -1
  bgeu a3, t2, 3f
  fail 1
3:
  bgeu a4, t2, 4f
  fail 2
4:
  bne a3, t2, 5f
  bne a4, t2, 5f
#if FENCED
  fail 3
#else
  bnez s0, 5f
  ld t3, 128(s3)
  addi t3, t3, 1
  sd t3, 128(s3)
#endif
5:
  bne a2, s2, round
  barrier
  pass
