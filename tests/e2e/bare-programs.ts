/** Small programs for a bare machine, as words: the tests must not need a cross compiler. */

/** Writes `value` to the finisher, which ends the machine. */
function finishing(value: number): readonly number[] {
  const low = (value << 20) >> 20
  const high = (value - low) >>> 0
  return [
    0x001002b7, // lui t0, 0x100
    (high | 0x337) >>> 0, // lui t1, high
    (((low & 0xfff) << 20) | 0x0003031b) >>> 0, // addiw t1, t1, low
    0x0062a023, // sw t1, 0(t0)
    0x0000006f, // jal x0, .
  ]
}

/** Passes. */
export const passing = finishing(0x5555)

/** Fails with status 7. */
export const failing = finishing((7 << 16) | 0x3333)

/** Counts to a million, then passes. */
export const counting: readonly number[] = [
  0x00000293, // addi t0, x0, 0
  0x00100337, // lui t1, 0x100
  0x00128293, // addi t0, t0, 1
  0xfe629ee3, // bne t0, t1, -4
  ...passing,
]

/** Does nothing, for ever. */
export const spinning: readonly number[] = [
  0x0000006f, // jal x0, .
]

/** Jumps to where there is nothing, with a trap vector where there is nothing either. */
export const lost: readonly number[] = [
  0x00000293, // addi t0, x0, 0
  0x30529073, // csrrw x0, mtvec, t0
  0x00028067, // jalr x0, 0(t0)
]

/**
 * Writes random words to random places of devices, for ever (xorshift from a fixed seed); a fault goes on.
 * `devices`: where four windows of 32 KiB begin.
 */
export function storming(devices: readonly [number, number, number, number]): readonly number[] {
  return [
    0x00000297, // auipc t0, 0
    0x02428293, // addi t0, t0, 36
    0x30529073, // csrrw x0, mtvec, t0: a trap begins the next turn
    0x00000917, // auipc s2, 0
    0x05890913, // addi s2, s2, 88: the words behind the program
    0x12345437, // lui s0, 0x12345
    0x67840413, // addi s0, s0, 1656: the seed
    0x000089b7, // lui s3, 8
    0xfff98993, // addi s3, s3, -1: offsets below 32 KiB
    0x00d41293, // turn: slli t0, s0, 13
    0x00544433, // xor s0, s0, t0
    0x00745293, // srli t0, s0, 7
    0x00544433, // xor s0, s0, t0
    0x01141293, // slli t0, s0, 17
    0x00544433, // xor s0, s0, t0
    0x00c47313, // andi t1, s0, 12
    0x01230333, // add t1, t1, s2
    0x00036383, // lwu t2, 0(t1)
    0x01445e13, // srli t3, s0, 20
    0x013e7e33, // and t3, t3, s3
    0x01c383b3, // add t2, t2, t3
    0x02445e93, // srli t4, s0, 36
    0x01d3a023, // sw t4, 0(t2)
    0x0003af03, // lw t5, 0(t2)
    0xfc5ff06f, // jal x0, turn
    ...devices,
  ]
}
