# Interrupts arrive in loops that contain no call and end in no other way. Hart 0 takes ROUNDS of its timer, then hart
# 1 as many that hart 0 sends, each in a loop of its own of the kind LOOP. The soonest must come within LATENCY ticks
# of when it is due: what is later than that may be the host's doing, but not each time.

#include "litmus.inc"

#define ACLINT 0x2000000
#define MTIMECMP 0x4000
#define MTIME 0xbff8
#define TIMER 7
#define SOFTWARE 3
#define DELAY 5000

  # An endless loop; changes t0, t1, a0 and a1.
  .macro endless
#if LOOP == 0
1:
  addi a0, a0, 1
  xor a1, a1, a0
  j 1b
#elif LOOP == 1
  # one that is nothing but a jump
1:
  j 1b
#elif LOOP == 2
  # an inner loop that ends
1:
  li a1, 50
2:
  addi a1, a1, -1
  bnez a1, 2b
  addi a0, a0, 1
  j 1b
#elif LOOP == 3
  # two entries, neither of which is on the way to the other
  andi t0, a0, 1
  bnez t0, 2f
1:
  addi a0, a0, 1
2:
  addi a0, a0, 3
  andi t0, a0, 4
  bnez t0, 1b
  j 2b
#elif LOOP == 4
  # by a computed jump
  la t0, 1f
1:
  addi a0, a0, 1
  jr t0
#endif
  .endm

  program
  la t0, trap
  csrw mtvec, t0
  li s3, ACLINT
  li s4, ACLINT + MTIMECMP
  li s5, ACLINT + MTIME
  # s6: the shortest delay, s7: interrupts taken, s8: when the next one is due, s9: number of those expected
  li s6, -1
  li s7, 0
  barrier
  bnez s0, other_hart

  li s9, TIMER
  li t0, 1 << TIMER
  csrw mie, t0
timed:
  ld s8, 0(s5)
  li t0, DELAY
  add s8, s8, t0
  sd s8, 0(s4)
  la s10, timed_after
  csrsi mstatus, 8
  endless
  .balign 4
timed_after:
  csrci mstatus, 8
  bne s7, s2, timed
  li t0, LATENCY
  bltu s6, t0, 5f
  fail 1
5:
  barrier

  # Each answer of the other hart is waited for in a loop, too; `shared` counts them, `other` says when it was sent.
  la s10, shared
  la s11, other
  li s7, 0
send:
  # Some time for the other hart to get into its loop.
  ld t0, 0(s5)
  li t1, DELAY
  add t0, t0, t1
6:
  ld t1, 0(s5)
  bltu t1, t0, 6b
  sd t1, 0(s11)
  fence rw, rw
  li t1, 1
  sw t1, 4(s3)
  addi s7, s7, 1
7:
  ld t0, 0(s10)
  bne t0, s7, 7b
  bne s7, s2, send
end:
  barrier
  pass

other_hart:
  li s9, SOFTWARE
  li t0, 1 << SOFTWARE
  csrw mie, t0
  barrier
told:
  la s10, told_after
  csrsi mstatus, 8
  endless
  .balign 4
told_after:
  csrci mstatus, 8
  la t0, shared
  sd s7, 0(t0)
  bne s7, s2, told
  li t0, LATENCY
  bltu s6, t0, 5f
  fail 2
5:
  j end

  # Goes on at s10.
  .balign 4
trap:
  csrr t0, mcause
  slli t1, t0, 1
  bgez t0, 8f
  srli t1, t1, 1
  bne t1, s9, 8f
  ld t1, 0(s5)
  bnez s0, told_now
  li t0, -1
  sd t0, 0(s4)
  j measured
told_now:
  sw x0, 4(s3)
  la t0, other
  ld s8, 0(t0)
measured:
  bltu t1, s8, 8f
  sub t1, t1, s8
  bgeu t1, s6, 9f
  mv s6, t1
9:
  addi s7, s7, 1
  csrw mepc, s10
  mret
8:
  fail 3
