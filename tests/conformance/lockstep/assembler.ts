/**
 * A small assembler: instructions of the table, data and labels into bytes at a fixed address. Why our own: the
 * random programs need no cross compiler then, and every encoding comes from the same table as the machine.
 */

import { encode, encodeCompressed, findCompressed, type OperandValues } from './encode.ts'

/** Integer registers by the names that the fixed parts of a program use. */
export const reg = {
  zero: 0,
  ra: 1,
  sp: 2,
  gp: 3,
  tp: 4,
  t0: 5,
  t1: 6,
  t2: 7,
  s0: 8,
  s1: 9,
  a0: 10,
  a1: 11,
  a2: 12,
  a3: 13,
  s10: 26,
  s11: 27,
  t3: 28,
  t4: 29,
  t5: 30,
  t6: 31,
} as const

interface Fixup {
  readonly at: number
  readonly label: string
  apply(distance: number, at: number): void
}

/** Collects a program; `finish` resolves its labels. */
export class Assembler {
  readonly #base: number
  #bytes = new Uint8Array(1 << 16)
  #view = new DataView(this.#bytes.buffer)
  #length = 0
  readonly #labels = new Map<string, number>()
  readonly #fixups: Fixup[] = []

  /** `base`: the address of the first byte. */
  constructor(base: number) {
    this.#base = base
  }

  /** Address of the next byte. */
  get here(): number {
    return this.#base + this.#length
  }

  /** Names the next byte. */
  label(name: string): void {
    if (this.#labels.has(name)) throw new Error(`label ${name} twice`)
    this.#labels.set(name, this.here)
  }

  /** Address of a label that has been placed. */
  address(name: string): number {
    const address = this.#labels.get(name)
    if (address === undefined) throw new Error(`no label ${name}`)
    return address
  }

  /** A 32-bit instruction. */
  op(mnemonic: string, values: OperandValues = {}): void {
    this.word(encode(mnemonic, values))
  }

  /** A 16-bit instruction. */
  compressed(mnemonic: string, values: OperandValues = {}): void {
    this.half(encodeCompressed(mnemonic, values))
  }

  /** A branch or jal (32 bits) to a label. */
  jump(mnemonic: string, values: OperandValues, label: string): void {
    this.#fix(label, (distance, at) => {
      this.#view.setUint32(at, encode(mnemonic, { ...values, imm: distance }), true)
    })
    this.word(0)
  }

  /** A 16-bit jump or branch to a label. */
  compressedJump(mnemonic: string, values: OperandValues, label: string): void {
    const signedBits = findCompressed(mnemonic).operands.imm?.signedBits ?? 0
    this.#fix(label, (distance, at) => {
      if (Math.abs(distance) >= 2 ** (signedBits - 1)) throw new Error(`${mnemonic} does not reach ${label}`)
      this.#view.setUint16(at, encodeCompressed(mnemonic, { ...values, imm: distance }), true)
    })
    this.half(0)
  }

  /** Address of a label into a register, relative to pc. */
  la(rd: number, label: string): void {
    this.#fix(label, (distance, at) => {
      const low = (distance << 20) >> 20
      const upper = (distance - low) >> 12
      this.#view.setUint32(at, encode('auipc', { rd, imm: upper }), true)
      this.#view.setUint32(at + 4, encode('addi', { rd, rs1: rd, imm: low }), true)
    })
    this.word(0)
    this.word(0)
  }

  /** A constant of up to 64 bits into a register. */
  li(rd: number, value: bigint): void {
    const signed = BigInt.asIntN(64, value)
    const low = Number(BigInt.asIntN(12, signed))
    if (signed >= -0x8000_0000n && signed < 0x8000_0000n) {
      const upper = Number(BigInt.asIntN(20, (signed - BigInt(low)) >> 12n))
      if (upper !== 0) this.op('lui', { rd, imm: upper })
      this.op(upper === 0 ? 'addi' : 'addiw', { rd, rs1: upper === 0 ? 0 : rd, imm: low })
      return
    }
    this.li(rd, (signed - BigInt(low)) >> 12n)
    this.op('slli', { rd, rs1: rd, imm: 12 })
    this.op('addi', { rd, rs1: rd, imm: low })
  }

  /** Reads a CSR. */
  csrr(rd: number, csr: number): void {
    this.op('csrrs', { rd, rs1: 0, imm: csr })
  }

  /** Writes a CSR. */
  csrw(csr: number, rs1: number): void {
    this.op('csrrw', { rd: 0, rs1, imm: csr })
  }

  half(value: number): void {
    this.#room(2)
    this.#view.setUint16(this.#length, value, true)
    this.#length += 2
  }

  word(value: number): void {
    this.#room(4)
    this.#view.setUint32(this.#length, value, true)
    this.#length += 4
  }

  double(value: bigint): void {
    this.#room(8)
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true)
    this.#length += 8
  }

  /** The address of a label as 64 bits of data. */
  pointer(label: string): void {
    this.#fix(label, (distance, at) => this.#view.setBigUint64(at, BigInt(this.#base + at + distance), true))
    this.double(0n)
  }

  /** Zeros up to the next multiple of `bytes`. */
  align(bytes: number): void {
    while (this.here % bytes !== 0) this.half(0)
  }

  /** The program. */
  finish(): Uint8Array {
    for (const { at, label, apply } of this.#fixups) apply(this.address(label) - (this.#base + at), at)
    return this.#bytes.slice(0, this.#length)
  }

  /** The bytes at an address, as far as they are resolved; complete once `finish` has been called. */
  bytesAt(address: number, byteCount: number): Uint8Array {
    return this.#bytes.slice(address - this.#base, address - this.#base + byteCount)
  }

  #fix(label: string, apply: (distance: number, at: number) => void): void {
    this.#fixups.push({ at: this.#length, label, apply })
  }

  #room(byteCount: number): void {
    if (this.#length + byteCount <= this.#bytes.length) return
    const grown = new Uint8Array(this.#bytes.length * 2)
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}
