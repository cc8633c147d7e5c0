/** MSI-X from the driver's side: what is masked waits, what is unmasked arrives once. */
import { describe, expect, it } from 'vitest'
import { header } from './config-header.ts'
import { createFunctionBench } from './testing.ts'

const capability = 0x48
const enabled = 0x8000
const masked = 0x4000
const pending = 0x800

/** A function whose vectors have messages; vector 2 stays masked. */
function openFunction(control = enabled) {
  const bench = createFunctionBench()
  const { function: f } = bench
  f.storeConfig(header.command, 2, 6)
  for (let vector = 0; vector < 3; vector++) {
    f.storeBar(1, 16 * vector, 4, 0x2800_0003)
    f.storeBar(1, 16 * vector + 4, 4, vector)
    f.storeBar(1, 16 * vector + 8, 4, 10 + vector)
    if (vector < 2) f.storeBar(1, 16 * vector + 12, 4, 0)
  }
  f.storeConfig(capability + 2, 2, control)
  return bench
}

describe('a vector', () => {
  it.each([-1, 3, 2048])('%i that there is not raises nothing', (vector) => {
    const { function: f, sent } = openFunction()
    f.raise(vector)
    expect([sent, f.loadBar(1, pending, 4)]).toEqual([[], 0])
  })

  it('is masked after a reset', () => {
    const { function: f } = createFunctionBench()
    expect([12, 28, 44].map((at) => f.loadBar(1, at, 4))).toEqual([1, 1, 1])
  })

  it('sends its message; the two lowest bits of the address do not exist', () => {
    const { function: f, sent } = openFunction()
    f.raise(1)
    expect(sent).toEqual([[0x2800_0000, 1, 11]])
    expect(f.loadBar(1, 16, 4)).toBe(0x2800_0000)
  })

  it('is forgotten while MSI-X is disabled', () => {
    const { function: f, sent } = openFunction(0)
    f.raise(0)
    f.storeConfig(capability + 2, 2, enabled)
    expect([sent, f.loadBar(1, pending, 4)]).toEqual([[], 0])
  })

  it('waits while it is masked, and arrives once', () => {
    const { function: f, sent } = openFunction()
    f.raise(2)
    f.raise(2)
    expect([sent, f.loadBar(1, pending, 4)]).toEqual([[], 4])
    f.storeBar(1, pending, 4, 0)
    expect(f.loadBar(1, pending, 4)).toBe(4)
    f.storeBar(1, 44, 4, 0xffff_fffe)
    expect([sent, f.loadBar(1, pending, 4), f.loadBar(1, 44, 4)]).toEqual([[[0x2800_0000, 2, 12]], 0, 0])
  })

  it('waits while the function is masked, and while MSI-X is off in between', () => {
    const { function: f, sent } = openFunction(enabled | masked)
    f.raise(0)
    f.storeConfig(capability + 2, 2, masked)
    f.storeConfig(capability + 2, 2, 0)
    expect(sent).toEqual([])
    f.storeConfig(capability + 3, 1, enabled >> 8)
    expect(sent).toEqual([[0x2800_0000, 0, 10]])
  })

  it('is lost when the function may not be bus master', () => {
    const { function: f, sent } = openFunction()
    f.storeConfig(header.command, 2, 2)
    f.raise(0)
    expect(sent).toEqual([])
  })
})

describe('MSI-X enabled', () => {
  it('silences the pin', () => {
    const { function: f, state } = openFunction(0)
    f.pull(true)
    expect(state.pin).toBe(true)
    f.storeConfig(capability + 2, 2, enabled)
    expect(state.pin).toBe(false)
    f.storeConfig(capability + 2, 2, 0)
    expect(state.pin).toBe(true)
  })

  it('answers its table in words only', () => {
    const { function: f } = openFunction()
    f.storeBar(1, 8, 1, 0xff)
    f.storeBar(1, 8, 2, 0xffff)
    expect([f.loadBar(1, 8, 4), f.loadBar(1, 8, 2), f.loadBar(1, 0x30, 4)]).toEqual([10, 0, 0])
  })
})
