/** Text of floating-point constants: special values, and that finite singles read back. */
import { expect, it } from 'vitest'
import { floatText } from './float-text.ts'

it.each<['f32' | 'f64', bigint, string]>([
  ['f32', 0x7fc00000n, 'nan'],
  ['f32', 0xffc00000n, '-nan'],
  ['f32', 0x7f800001n, 'nan:0x1'],
  ['f32', 0xff800000n, '-inf'],
  ['f32', 0x80000000n, '-0'],
  ['f32', 0x3f9e064bn, '1.234567'],
  ['f64', 0x7ff0000000000001n, 'nan:0x1'],
  ['f64', 0xfff8000000000000n, '-nan'],
  ['f64', 0x0000000000000001n, '5e-324'],
])('%s with bits %s is %s', (type, bits, text) => {
  expect(floatText(bits, type)).toBe(text)
})

it('any finite single reads back as itself', () => {
  const view = new DataView(new ArrayBuffer(4))
  for (let index = 0; index < 10_000; index++) {
    const bits = Math.imul(index, 0x9e3779b1) & 0x7fff_ffff
    if (bits >= 0x7f80_0000) continue
    view.setFloat32(0, Number(floatText(BigInt(bits), 'f32')))
    expect(view.getUint32(0)).toBe(bits)
  }
})
