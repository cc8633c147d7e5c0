/**
 * Floating-point constants in the text format, from their bits: exact, shortest, NaN payloads kept.
 * @spec wasm-core "Floating-Point (Text Format)"
 */

interface FloatFormat {
  readonly signBit: bigint
  /** All ones in the exponent, nothing else: infinity. */
  readonly infinity: bigint
  /** The payload of a canonical NaN. */
  readonly quietBit: bigint
  /** The shortest decimal text that reads back as these finite bits. */
  readonly decimal: (bits: bigint) => string
}

const view = new DataView(new ArrayBuffer(8))

const FORMATS: { readonly [K in 'f32' | 'f64']: FloatFormat } = {
  f32: { signBit: 1n << 31n, infinity: 0xffn << 23n, quietBit: 1n << 22n, decimal: singleText },
  f64: { signBit: 1n << 63n, infinity: 0x7ffn << 52n, quietBit: 1n << 51n, decimal: doubleText },
}

/** The text of the constant with these bits. */
export function floatText(bits: bigint, type: 'f32' | 'f64'): string {
  const format = FORMATS[type]
  const sign = (bits & format.signBit) === 0n ? '' : '-'
  const magnitude = bits & ~format.signBit
  if (magnitude === format.infinity) return `${sign}inf`
  if (magnitude < format.infinity) return sign + format.decimal(magnitude)
  const payload = magnitude - format.infinity
  return payload === format.quietBit ? `${sign}nan` : `${sign}nan:0x${payload.toString(16)}`
}

function singleText(bits: bigint): string {
  view.setUint32(0, Number(bits))
  const value = view.getFloat32(0)
  // Nine digits tell any two singles apart; most constants need far fewer.
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits))
    if (Math.fround(rounded) === value) return `${rounded}`
  }
  return `${Number(value.toPrecision(9))}`
}

function doubleText(bits: bigint): string {
  view.setBigUint64(0, bits)
  return `${view.getFloat64(0)}`
}
