/** GNU's assembler and disassembler are the judges of encodings and of text. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Random, seededRandom, seedOf } from './cases/random.ts'
import { csrs } from './csr.ts'
import { disassemble } from './disassemble.ts'
import { compressedInstructions, decode, instructions } from './table.ts'

const ARCH = 'rv64gc_zba_zbb_zbs_zicbom_zicboz_svinval_zihintpause_sstc'
const SAMPLES = 40

/** Runs a GNU tool for the target. */
function gnu(tool: 'as' | 'objdump', args: readonly string[]): string {
  try {
    return execFileSync(`riscv64-linux-gnu-${tool}`, args, {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      stdio: 'pipe',
    })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error(`riscv64-linux-gnu-${tool} is absent: install the package binutils-riscv64-linux-gnu`)
    }
    throw error
  }
}

/** Assembles lines; returns address, encoding and objdump's text of each instruction. */
function assemble(lines: readonly string[]): { address: bigint; bits: number; text: string }[] {
  const folder = mkdtempSync(join(tmpdir(), 'virga-isa-'))
  try {
    const [source, object] = [join(folder, 'a.s'), join(folder, 'a.o')]
    writeFileSync(source, `.option norelax\n${lines.join('\n')}\n`)
    gnu('as', [`-march=${ARCH}`, '-o', object, source])
    expect(readFileSync(object).length).toBeGreaterThan(0)
    const rows = gnu('objdump', ['-d', '-M', 'no-aliases', object])
      .split('\n')
      .map((row) => /^\s*([0-9a-f]+):\s+([0-9a-f]+)\s+(.*)$/.exec(row))
      .filter((match) => match !== null)
    return rows.map(([, address, bits, text]) => ({
      address: BigInt(`0x${address}`),
      bits: Number.parseInt(bits ?? '', 16),
      text: (text ?? '')
        .replace(/\s*[#<].*$/, '')
        .replace(/\t/, ' ')
        .trim(),
    }))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const exact = new Set(['fcvt.d.s', 'fcvt.d.w', 'fcvt.d.wu'])
const csrNumbers = csrs.map(({ number }) => number)

/** Random operands, but only those that the assembler has a way to write. */
function encodeAtRandom(mnemonic: string, mask: number, match: number, random: Random): number {
  const instruction = instructions.find((each) => each.mnemonic === mnemonic)
  let bits = ((random.word() & ~mask) | match) >>> 0
  if (mnemonic === 'fence') bits = match | (random.pick([1, 7, 15]) << 24) | (random.pick([2, 8, 12]) << 20)
  if (mnemonic === 'fence.i') bits = match
  if (instruction?.syntax.includes('csr')) bits = (bits & 0xfffff) | (random.pick(csrNumbers) << 20)
  if (instruction?.operands.rm) {
    const rm = exact.has(mnemonic) ? 0 : random.pick([0, 1, 2, 3, 4, 7])
    bits = (bits & ~0x7000) | (rm << 12)
  }
  return bits >>> 0
}

const GNU_HAS_NONE = new Set(['czero.eqz', 'czero.nez'])

const samples = instructions
  .filter(({ mnemonic }) => !GNU_HAS_NONE.has(mnemonic))
  .flatMap(({ mnemonic, mask, match }) => {
    const random = seededRandom(seedOf(mnemonic))
    return Array.from({ length: SAMPLES }, () => encodeAtRandom(mnemonic, mask, match, random))
  })

/** Every valid halfword, without the shifts by zero, for which GNU has names of its own. */
const halfwords = Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => {
  const decoded = (bits & 3) === 3 ? undefined : decode(bits)
  if (decoded?.compressed === undefined) return false
  const shift = ['c.slli', 'c.srli', 'c.srai'].includes(decoded.compressed.mnemonic)
  return !(shift && decoded.imm === 0)
})

/** GNU writes the target of a jump without its 0x. */
const withoutPrefix = (text: string) => text.replace(/0x([0-9a-f]+)$/, '$1')

function compare(rows: ReturnType<typeof assemble>): void {
  const wrong = rows
    .map(({ address, bits, text }) => ({
      bits: bits.toString(16),
      gnu: text,
      ours: disassemble(bits, address),
    }))
    .filter(({ gnu: theirs, ours }) => ours !== theirs && withoutPrefix(ours) !== theirs)
  expect(wrong.slice(0, 20)).toEqual([])
}

describe('disassemble', () => {
  it('writes every 32-bit instruction as objdump does', () => {
    const rows = assemble(samples.map((bits) => `.insn 0x${bits.toString(16)}`))
    expect(rows.length).toBe(samples.length)
    compare(rows)
  })

  it('reads and writes every 16-bit instruction as objdump does', () => {
    const all = Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => (bits & 3) !== 3)
    const rows = assemble(all.map((bits) => `.insn 0x${bits.toString(16)}`))
    const known = rows.filter(({ text }) => !/^(\.2byte|c\.unimp)/.test(text)).map(({ bits }) => bits)
    // c.addi16sp by zero is reserved, though GNU writes it
    expect(all.filter((bits) => decode(bits) !== undefined)).toEqual(known.filter((bits) => bits !== 0x6101))
    expect(new Set(halfwords.map((bits) => decode(bits)?.compressed?.mnemonic)).size).toBe(
      compressedInstructions.length,
    )
    const compared = new Set(halfwords)
    compare(rows.filter(({ bits }) => compared.has(bits)))
  })

  it('takes for an instruction only what objdump takes for one, among random words', () => {
    const random = seededRandom(20)
    const majors = [...new Set(instructions.map(({ match }) => match & 0x7f))]
    const words = Array.from({ length: 20_000 }, () => ((random.word() & ~0x7f) | random.pick(majors)) >>> 0)
    const rows = assemble(words.map((bits) => `.insn 0x${bits.toString(16)}`))
    const wrong = rows.filter(({ bits, text }) => {
      const mnemonic = decode(bits)?.instruction.mnemonic
      if (mnemonic === undefined || GNU_HAS_NONE.has(mnemonic)) return false
      // GNU knows neither reserved fields of fences nor rounding modes of exact conversions
      if (mnemonic.startsWith('fence') || exact.has(mnemonic)) return false
      return text.startsWith('.4byte')
    })
    expect(wrong.slice(0, 10)).toEqual([])
  })

  it('writes text that assembles to the same bits', () => {
    const all = [...samples, ...halfwords.filter((_, index) => index % 7 === 0)]
    const lines = all.map((bits) => {
      const option = (bits & 3) === 3 ? '.option norvc' : '.option rvc'
      return `${option}\n${disassemble(bits)}`
    })
    const rows = assemble(lines)
    expect(rows.length).toBe(all.length)
    const wrong = all.filter((bits, index) => rows[index]?.bits !== bits)
    expect(wrong.map((bits) => `${bits.toString(16)} ${disassemble(bits)}`).slice(0, 20)).toEqual([])
  })

  it('writes what GNU does not know as the specification has it', () => {
    expect(disassemble(0x0ec5d533)).toBe('czero.eqz a0,a1,a2')
    expect(disassemble(0x0ec5f533)).toBe('czero.nez a0,a1,a2')
  })

  it.each([
    [0x8330000f, 'fence.tso'],
    [0x0100000f, 'pause'],
    [0x00000000, '.2byte 0x0'],
    [0xffffffff, '.4byte 0xffffffff'],
    [0xfe000ee3, 'beq zero,zero,.-4'],
    [0x0080006f, 'jal zero,.+8'],
  ])('writes %i as %s', (bits, text) => {
    expect(disassemble(bits)).toBe(text)
  })
})
