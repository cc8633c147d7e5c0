/** The PLIC from the kernel's side: wrong moves, then right ones, then two harts at once. */
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { memoryMap, plicSources } from './memory-map.ts'
import { platformStateBytes } from './platform.ts'
import { type Bench, createBench } from './testing.ts'

const base = memoryMap.plic.base
const address = {
  priority: (source: number) => base + 4 * source,
  pending: (word: number) => base + 0x1000 + 4 * word,
  enable: (context: number, word = 0) => base + 0x2000 + 0x80 * context + 4 * word,
  threshold: (context: number) => base + 0x20_0000 + 0x1000 * context,
  claim: (context: number) => base + 0x20_0004 + 0x1000 * context,
}
/** S-mode context of hart 0 and of hart 1. */
const [s0, s1] = [1, 3]

/** A bench with the given sources at priority 1 and enabled for S-mode of every hart. */
function plic(sources: readonly number[] = [], harts = 2) {
  const bench = createBench({ harts })
  for (const source of sources) bench.store(address.priority(source), 1)
  for (let hart = 0; hart < harts; hart++) enable(bench, 2 * hart + 1, sources)
  const wire = (source: number, level: boolean) =>
    bench.platform.locked(() => bench.platform.plic.source(source).set(level))
  const claim = (context: number) => bench.load(address.claim(context))
  const complete = (context: number, source: number) => bench.store(address.claim(context), source)
  return { bench, wire, claim, complete, pending: (word = 0) => bench.load(address.pending(word)) }
}

function enable(bench: Bench, context: number, sources: readonly number[]): void {
  for (const word of [0, 1, 2]) {
    const bits = sources
      .filter((source) => source >> 5 === word)
      .reduce((sum, source) => sum + 2 ** (source & 31), 0)
    bench.store(address.enable(context, word), bits)
  }
}

describe('wrong moves', () => {
  it('claiming nothing gives zero', () => {
    const { claim } = plic([5])
    expect(claim(s0)).toBe(0)
  })

  it('completing what is not claimed, does not exist or is not enabled changes nothing', () => {
    const { bench, wire, claim, complete } = plic([5])
    for (const source of [0, 5, 96, 1000, 0xffff_ffff]) complete(s0, source)
    wire(5, true)
    expect(claim(s0)).toBe(5)
    enable(bench, s0, [])
    complete(s0, 5)
    expect(claim(s1)).toBe(0)
    enable(bench, s0, [5])
    complete(s0, 5)
    expect(claim(s1)).toBe(5)
  })

  it('a source of priority zero, or not enabled, never interrupts and cannot be claimed', () => {
    const { bench, wire, claim, pending } = plic([5])
    bench.store(address.priority(5), 0)
    wire(5, true)
    wire(6, true)
    expect([pending(), claim(s0), bench.wires()]).toEqual([0x60, 0, []])
  })

  it('source zero and sources above the last cannot be enabled, and pending bits not be written', () => {
    const { bench } = plic()
    for (const word of [0, 1, 2, 3, 31]) bench.store(address.enable(s0, word), 0xffff_ffff)
    expect([0, 1, 2, 3, 31].map((word) => bench.load(address.enable(s0, word)))).toEqual([
      0xffff_fffe, 0xffff_ffff, 0xffff_ffff, 0, 0,
    ])
    bench.store(address.pending(0), 0xffff_ffff)
    bench.store(address.priority(0), 7)
    expect([bench.load(address.pending(0)), bench.load(address.priority(0))]).toEqual([0, 0])
  })

  it('a context that no hart has reads zero and swallows writes', () => {
    const { bench } = plic([], 2)
    for (const at of [address.enable(4), address.threshold(4), address.claim(4)]) {
      bench.store(at, 0xffff_ffff)
      expect(bench.load(at)).toBe(0)
    }
  })

  it('priorities and thresholds have three bits', () => {
    const { bench } = plic()
    for (const at of [address.priority(95), address.threshold(s1)]) {
      bench.store(at, 0xffff_ffff)
      expect(bench.load(at)).toBe(7)
    }
  })
})

describe('one hart', () => {
  it('raises the wire, lowers it with the claim, and asks again while the level stays', () => {
    const { bench, wire, claim, complete } = plic([10], 1)
    wire(10, true)
    expect(bench.wires()).toEqual(['SEI0'])
    expect(claim(s0)).toBe(10)
    expect(bench.wires()).toEqual([])
    expect(claim(s0)).toBe(0)
    complete(s0, 10)
    expect(bench.wires()).toEqual(['SEI0'])
    expect(claim(s0)).toBe(10)
    wire(10, false)
    complete(s0, 10)
    expect([bench.wires(), claim(s0)]).toEqual([[], 0])
  })

  it('keeps a request whose wire fell before the claim', () => {
    const { wire, claim, complete } = plic([10])
    wire(10, true)
    wire(10, false)
    expect(claim(s0)).toBe(10)
    complete(s0, 10)
    expect(claim(s0)).toBe(0)
  })

  it('a wire that pulses while its source is claimed leaves nothing behind', () => {
    const { wire, claim, complete } = plic([10])
    wire(10, true)
    claim(s0)
    for (const level of [false, true, false]) wire(10, level)
    complete(s0, 10)
    expect(claim(s0)).toBe(0)
  })

  it('gives the highest priority first, of equals the lowest number, in all words', () => {
    const sources = [1, 31, 32, 63, 64, plicSources]
    const { bench, wire, claim } = plic(sources)
    for (const source of sources) wire(source, true)
    bench.store(address.priority(63), 7)
    bench.store(address.priority(plicSources), 3)
    expect(Array.from({ length: 7 }, () => claim(s0))).toEqual([63, plicSources, 1, 31, 32, 64, 0])
  })

  it('the threshold masks the wire but not the claim', () => {
    const { bench, wire, claim } = plic([10], 1)
    bench.store(address.priority(10), 3)
    wire(10, true)
    const seen = [3, 2, 7].map((threshold) => {
      bench.store(address.threshold(s0), threshold)
      return bench.wires().join()
    })
    expect(seen).toEqual(['', 'SEI0', ''])
    expect(claim(s0)).toBe(10)
  })

  it('M-mode contexts drive MEI', () => {
    const { bench, wire } = plic([], 2)
    bench.store(address.priority(9), 1)
    enable(bench, 2, [9])
    wire(9, true)
    expect(bench.wires()).toEqual(['MEI1'])
  })
})

describe('several harts', () => {
  it('all are notified, one gets it, and the others lose the notification', () => {
    const { bench, wire, claim, complete } = plic([10])
    wire(10, true)
    expect(bench.wires()).toEqual(['SEI0', 'SEI1'])
    expect(claim(s1)).toBe(10)
    expect(bench.wires()).toEqual([])
    expect(claim(s0)).toBe(0)
    complete(s1, 10)
    expect(bench.wires()).toEqual(['SEI0', 'SEI1'])
  })

  it('serves sixty-four', () => {
    const { bench, wire } = plic([10], 64)
    wire(10, true)
    expect(bench.wires().length).toBe(64)
    expect(bench.load(address.claim(127))).toBe(10)
    expect(bench.wires()).toEqual([])
  })

  it('on two threads that claim at once never give one request to both, nor lose one', async () => {
    const harts = 2
    const rounds = 3000
    const sources = Array.from({ length: 8 }, (_, i) => 20 + i)
    const words = new Int32Array(new SharedArrayBuffer(platformStateBytes(harts)))
    // Per source: how often it is being served right now. Then: claims in all, servings that overlapped, threads ready.
    const tally = new Int32Array(new SharedArrayBuffer(4 * 64))
    const setUp = createBench({ harts, words })
    setUp.platform.start()
    for (const source of sources) setUp.store(address.priority(source), 1)
    for (const context of [s0, s1]) enable(setUp, context, sources)
    const body = `
      const { words, tally, context } = require('node:worker_threads').workerData
      import(${JSON.stringify(new URL('./testing.ts', import.meta.url).href)}).then(({ createBench }) => {
        const bench = createBench({ harts: ${harts}, words })
        Atomics.add(tally, 62, 1)
        while (Atomics.load(tally, 62) < 2);
        const at = ${base + 0x20_0004} + 0x1000 * context
        for (let i = 0; i < ${rounds}; i++) {
          const source = bench.load(at)
          if (source === 0) continue
          if (Atomics.add(tally, source, 1) !== 0) Atomics.add(tally, 61, 1)
          Atomics.add(tally, 60, 1)
          Atomics.sub(tally, source, 1)
          bench.store(at, source)
        }
      })`
    for (const source of sources) setUp.platform.locked(() => setUp.platform.plic.source(source).set(true))
    const claimers = [s0, s1].map((context) => {
      const worker = new Worker(body, { eval: true, workerData: { words, tally, context } })
      return new Promise<void>((resolve, reject) => {
        worker.on('error', reject)
        worker.on('exit', () => resolve())
      })
    })
    await Promise.all(claimers)
    expect(tally[61]).toBe(0)
    // The wires stay high and there are more sources than harts: every claim finds one.
    expect(tally[60]).toBe(2 * rounds)
    const left = Array.from({ length: 9 }, () => setUp.load(address.claim(s0)))
    expect(left).toEqual([...sources, 0])
  })
})
