/** Programs of engine.test.ts: each word with its assembly (from `as`; branch targets are offsets in the program). */

/** A word and what it says. */
export type ProgramWord = readonly [word: number, assembly: string]

/** The bytes of a program. */
export function programBytes(words: readonly ProgramWord[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words, ([word]) => word).buffer)
}

/** S-mode: prints "hello\n" by SBI DBCN, then powers off by SBI SRST. */
export const hello: readonly ProgramWord[] = [
  [0x00000597, 'auipc a1,0x0'],
  [0x03858593, 'addi a1,a1,56'],
  [0x00600513, 'addi a0,zero,6'],
  [0x00000613, 'addi a2,zero,0'],
  [0x00000813, 'addi a6,zero,0'],
  [0x444248b7, 'lui a7,0x44424'],
  [0x34e88893, 'addi a7,a7,846 (DBCN)'],
  [0x00000073, 'ecall'],
  [0x00000513, 'addi a0,zero,0'],
  [0x00000593, 'addi a1,zero,0'],
  [0x00000813, 'addi a6,zero,0'],
  [0x535258b7, 'lui a7,0x53525'],
  [0x35488893, 'addi a7,a7,852 (SRST)'],
  [0x00000073, 'ecall'],
  [0x6c6c6568, '"hell"'],
  [0x00000a6f, '"o\\n"'],
]

/** M-mode, four harts: each counts 20480 up in two shared words, by AMO and by LR/SC; the last one powers off. */
export const count: readonly ProgramWord[] = [
  [0x00001417, 'auipc s0,0x1'],
  [0x04040913, 'addi s2,s0,64'],
  [0x08040993, 'addi s3,s0,128'],
  [0x00100613, 'addi a2,zero,1'],
  [0x000054b7, 'lui s1,0x5'],
  [0x06c4302f, 'amoadd.d.aqrl zero,a2,(s0)'],
  [0x100932af, 'lr.d t0,(s2)'],
  [0x00128293, 'addi t0,t0,1'],
  [0x185933af, 'sc.d t2,t0,(s2)'],
  [0xfe039ae3, 'bne t2,zero,18'],
  [0xfff48493, 'addi s1,s1,-1'],
  [0xfe0494e3, 'bne s1,zero,14'],
  [0x06c9b2af, 'amoadd.d.aqrl t0,a2,(s3)'],
  [0x00300313, 'addi t1,zero,3'],
  [0x00629a63, 'bne t0,t1,4c'],
  [0x001002b7, 'lui t0,0x100'],
  [0x00005337, 'lui t1,0x5'],
  [0x55530313, 'addi t1,t1,1365'],
  [0x0062a023, 'sw t1,0(t0)'],
  [0x10500073, 'wfi'],
  [0xffdff06f, 'jal zero,4c'],
]

/** M-mode: sets mtimecmp 20.48 ms ahead, waits in WFI until the timer is pending, powers off. */
export const timer: readonly ProgramWord[] = [
  [0x0200c2b7, 'lui t0,0x200c'],
  [0xff82b303, 'ld t1,-8(t0) (mtime)'],
  [0x000323b7, 'lui t2,0x32'],
  [0x00730333, 'add t1,t1,t2'],
  [0x02004e37, 'lui t3,0x2004'],
  [0x006e3023, 'sd t1,0(t3) (mtimecmp of hart 0)'],
  [0x08000e93, 'addi t4,zero,128'],
  [0x304e9073, 'csrrw zero,mie,t4'],
  [0x10500073, 'wfi'],
  [0x34402f73, 'csrrs t5,mip,zero'],
  [0x080f7f13, 'andi t5,t5,128'],
  [0xfe0f0ae3, 'beq t5,zero,20'],
  [0x001002b7, 'lui t0,0x100'],
  [0x00005337, 'lui t1,0x5'],
  [0x55530313, 'addi t1,t1,1365'],
  [0x0062a023, 'sw t1,0(t0)'],
  [0x0000006f, 'jal zero,40'],
]

/** M-mode: jumps to nowhere, and so does its trap vector, for ever. */
export const wild: readonly ProgramWord[] = [
  [0xffe00293, 'addi t0,zero,-2'],
  [0x30529073, 'csrrw zero,mtvec,t0'],
  [0x00028067, 'jalr zero,0(t0)'],
]

/** M-mode: writes to one page of memory after the other. */
export const fill: readonly ProgramWord[] = [
  [0x00001297, 'auipc t0,0x1'],
  [0x00001337, 'lui t1,0x1'],
  [0x0002b023, 'sd zero,0(t0)'],
  [0x006282b3, 'add t0,t0,t1'],
  [0xff9ff06f, 'jal zero,8'],
]
