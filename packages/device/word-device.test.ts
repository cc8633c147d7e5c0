/** Lifecycle, snapshot and restore, as every device of words has them. */
import { describe, expect, it } from 'vitest'
import { type DeviceState, declareWords, transitions, WordDevice } from './index.ts'

const layout = declareWords({ value: 1, other: 2 })

class Latch extends WordDevice {
  driven: number[] = []

  constructor(words = new Int32Array(layout.words), kind = 'latch', version = 1) {
    super({ name: 'latch0', kind, version, base: 0, bytes: 8, widths: [4] }, layout, words)
  }

  load(): number {
    return this.get(layout.at.value)
  }

  store(_offset: number, _bytes: number, value: number): void {
    this.set(layout.at.value, value)
    this.drive()
  }

  protected override cold(): void {
    this.set(layout.at.value, 7)
  }

  protected override drive(): void {
    this.driven.push(this.load())
  }

  protected override defect(): string | undefined {
    return this.load() === 666 ? 'evil' : undefined
  }
}

/** Brings a fresh device to a state by legal moves. */
async function latchIn(state: DeviceState): Promise<Latch> {
  const latch = new Latch()
  if (state === 'init') return latch
  if (state === 'halted') {
    latch.halt()
    return latch
  }
  latch.start()
  if (state === 'paused') await latch.pause()
  return latch
}

const good = { kind: 'latch', version: 1, state: new Int32Array([5, 0, 0]) }
const moves: Record<keyof typeof transitions, (latch: Latch) => unknown> = {
  start: (latch) => latch.start(),
  pause: (latch) => latch.pause(),
  resume: (latch) => latch.resume(),
  reset: (latch) => latch.reset(),
  snapshot: (latch) => latch.snapshot(),
  restore: (latch) => latch.restore(good),
  halt: (latch) => latch.halt(),
}
const states: DeviceState[] = ['init', 'running', 'paused', 'halted']

describe('lifecycle', () => {
  for (const state of states) {
    for (const [name, move] of Object.entries(moves) as [
      keyof typeof transitions,
      (latch: Latch) => unknown,
    ][]) {
      const { from, to } = transitions[name]
      const legal = (from as readonly DeviceState[]).includes(state)
      it(`${name} while ${state} is ${legal ? `legal and leads to ${to}` : 'refused'}`, async () => {
        const latch = await latchIn(state)
        const made = (async () => move(latch))()
        if (!legal) {
          await expect(made).rejects.toThrow(`latch0: ${name} is legal while`)
          expect(latch.state()).toBe(state)
          return
        }
        await made
        expect(latch.state()).toBe(to)
      })
    }
  }

  it('is shared by all objects over the same words', () => {
    const words = new Int32Array(layout.words)
    new Latch(words).start()
    expect(new Latch(words).state()).toBe('running')
    expect(() => new Latch(words).start()).toThrow('not running')
  })
})

describe('snapshot', () => {
  const misfits = [
    ['another kind', { ...good, kind: 'plic' }, 'of a plic'],
    ['another version', { ...good, version: 2 }, 'version 2'],
    ['another size', { ...good, state: new Int32Array(2) }, '2 words, not 3'],
    ['an impossible state', { ...good, state: new Int32Array([666, 0, 0]) }, 'evil'],
  ] as const
  for (const [what, snapshot, reason] of misfits) {
    it(`with ${what} is refused and changes nothing`, async () => {
      const latch = await latchIn('paused')
      const result = latch.restore(snapshot)
      expect(result.ok ? '' : result.error.reason).toContain(reason)
      expect(latch.load()).toBe(7)
      expect(latch.state()).toBe('paused')
    })
  }

  it('brings a state back, in a fresh device too, and drives the wires', async () => {
    const latch = await latchIn('running')
    latch.store(0, 4, 42)
    await latch.pause()
    const snapshot = latch.snapshot()
    latch.reset()
    expect(latch.load()).toBe(7)
    expect(snapshot.state[0]).toBe(42)
    const fresh = new Latch()
    expect(fresh.restore(snapshot).ok).toBe(true)
    expect(fresh.load()).toBe(42)
    expect(fresh.driven).toEqual([42])
    expect(fresh.state()).toBe('paused')
  })

  it('does not fit words of the wrong length', () => {
    expect(() => new Latch(new Int32Array(3))).toThrow('latch0 gets 4 words')
  })
})

describe('declareWords', () => {
  it('puts the fields behind the lifecycle word', () => {
    expect(layout).toEqual({ at: { value: 1, other: 2 }, words: 4 })
  })

  it('refuses an empty field', () => {
    expect(() => declareWords({ none: 0 })).toThrow('none')
  })
})
