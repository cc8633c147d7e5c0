# Hart 0 writes a message and then a flag, both counting up; hart 1 reads the flag and then the message.
# ORDER: 0 = no fences: the message may lag, but reads of one word never go back;
#        1 = fence w,w and fence r,r: the message is never older than the flag;
#        2 = release and acquire by AMOs: the same.

#include "litmus.inc"

  program
  la a0, shared
  la a1, other
  barrier
  bnez s0, reader

  li a2, 0
1:
  addi a2, a2, 1
  sd a2, 0(a0)
#if ORDER == 1
  fence w, w
#endif
#if ORDER == 2
  amoswap.d.rl x0, a2, (a1)
#else
  sd a2, 0(a1)
#endif
  bne a2, s2, 1b
  j done

reader:
  li a3, 0
  li a4, 0
2:
#if ORDER == 2
  amoor.d.aq a5, x0, (a1)
#else
  ld a5, 0(a1)
#endif
#if ORDER == 1
  fence r, r
#endif
  ld a6, 0(a0)
  bgeu a5, a3, 3f
  fail 1
3:
  bgeu a6, a4, 4f
  fail 2
4:
#if ORDER != 0
  bgeu a6, a5, 5f
  fail 3
5:
#endif
  bgeu s2, a6, 6f
  fail 4
6:
  mv a3, a5
  mv a4, a6
  bne a5, s2, 2b
done:
  barrier
  pass
