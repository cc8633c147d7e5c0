/**
 * A bare machine program of known length: an integer loop of eight instructions, then the finisher.
 * Given as words, since the benchmark must not need a cross compiler.
 */

/** Instructions of one turn of the loop. */
const instructionsPerTurn = 8

const program = (turns: number): readonly number[] => [
  0x00000513, // addi a0, x0, 0
  (((turns + 0x800) >>> 12) << 12) | 0x5b7, // lui a1, turns
  (((turns & 0xfff) << 20) | 0x00058593) >>> 0, // addi a1, a1, turns
  0x00150513, // loop: addi a0, a0, 1
  0x00a64633, // xor a2, a2, a0
  0x00351693, // slli a3, a0, 3
  0x00d70733, // add a4, a4, a3
  0x00775793, // srli a5, a4, 7
  0x40c78833, // sub a6, a5, a2
  0x00a878b3, // and a7, a6, a0
  0xfeb512e3, // bne a0, a1, loop
  0x001002b7, // lui t0, 0x100: the finisher
  0x00005337, // lui t1, 0x5
  0x55530313, // addi t1, t1, 0x555: pass
  0x0062a023, // sw t1, 0(t0)
  0x0000006f, // jal x0, .
]

/** The program's bytes, to be run in M-mode at the start of memory, and how many instructions it retires. */
export function integerLoop(turns: number): { bytes: Uint8Array; instructions: number } {
  const words = Uint32Array.from(program(turns))
  return { bytes: new Uint8Array(words.buffer), instructions: turns * instructionsPerTurn }
}
