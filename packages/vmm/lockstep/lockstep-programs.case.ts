/** Bare programs of engine.test.ts: each word with its assembly (from `as`; branch targets are offsets in the program). */

import type { ProgramWord } from '../engine-programs.case.ts'

const pass: readonly ProgramWord[] = [
  [0x001002b7, 'lui t0,0x100'],
  [0x00005337, 'lui t1,0x5'],
  [0x55530313, 'addi t1,t1,1365'],
  [0x0062a023, 'sw t1,0(t0)'],
  [0x0000006f, 'jal zero,.'],
]

/** 4096 rounds of arithmetic, stores, loads and atomics on one doubleword; passes. */
export const rounds: readonly ProgramWord[] = [
  [0x00001417, 'auipc s0,0x1'],
  [0x00000293, 'addi t0,zero,0'],
  [0x00001337, 'lui t1,0x1'],
  [0x00000393, 'addi t2,zero,0'],
  [0x00128293, 'addi t0,t0,1'],
  [0x005383b3, 'add t2,t2,t0'],
  [0x00743023, 'sd t2,0(s0)'],
  [0x00043e03, 'ld t3,0(s0)'],
  [0x00543eaf, 'amoadd.d t4,t0,(s0)'],
  [0x10043f2f, 'lr.d t5,(s0)'],
  [0x18743faf, 'sc.d t6,t2,(s0)'],
  [0x00000013, 'addi zero,zero,0'],
  [0xfe6290e3, 'bne t0,t1,10'],
  ...pass,
]

/** Prints 64 letters, and reads the UART's state and the time each time; passes. */
export const letters: readonly ProgramWord[] = [
  [0x10000437, 'lui s0,0x10000'],
  [0x04000293, 'addi t0,zero,64'],
  [0x04100313, 'addi t1,zero,65'],
  [0x00640023, 'sb t1,0(s0)'],
  [0x00544383, 'lbu t2,5(s0)'],
  [0xc0102e73, 'csrrs t3,time,zero'],
  [0xfff28293, 'addi t0,t0,-1'],
  [0xfe0296e3, 'bne t0,zero,8'],
  ...pass,
]

/** Calls its own trap handler 4096 times; passes. */
export const traps: readonly ProgramWord[] = [
  [0x00000297, 'auipc t0,0x0'],
  [0x04028293, 'addi t0,t0,64'],
  [0x30529073, 'csrrw zero,mtvec,t0'],
  [0x000014b7, 'lui s1,0x1'],
  [0x00000913, 'addi s2,zero,0'],
  [0x00000073, 'ecall'],
  [0xfff48493, 'addi s1,s1,-1'],
  [0xfe049ce3, 'bne s1,zero,14'],
  ...pass,
  [0x00000013, 'addi zero,zero,0'],
  [0x00000013, 'addi zero,zero,0'],
  [0x00000013, 'addi zero,zero,0'],
  [0x341023f3, 'csrrs t2,mepc,zero'],
  [0x00438393, 'addi t2,t2,4'],
  [0x34139073, 'csrrw zero,mepc,t2'],
  [0x00190913, 'addi s2,s2,1'],
  [0x30200073, 'mret'],
]
