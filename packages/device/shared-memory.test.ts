/** Mutex, doorbell and ring: what threads share. */
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { ByteRing, Doorbell, SharedMutex } from './index.ts'

const entry = JSON.stringify(new URL('./index.ts', import.meta.url).href)

/** Runs `body` in a thread, with `device` (this package) and `words` in scope; resolves when it ends. */
function thread(words: Int32Array, body: string): Promise<void> {
  const source = `const { words } = require('node:worker_threads').workerData
    import(${entry}).then((device) => { ${body} })`
  return new Promise((resolve, reject) => {
    const worker = new Worker(source, { eval: true, workerData: { words } })
    worker.on('error', reject)
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`thread ended with ${code}`))))
  })
}

describe('SharedMutex', () => {
  it('refuses to be taken twice, or released when not held', () => {
    const mutex = new SharedMutex(new Int32Array(new SharedArrayBuffer(4)), 0)
    expect(() => mutex.unlock()).toThrow('holds the lock')
    mutex.lock()
    expect(() => mutex.lock()).toThrow('already')
    mutex.unlock()
    expect(mutex.run(() => 5)).toBe(5)
  })

  it('is released when the critical section throws', () => {
    const mutex = new SharedMutex(new Int32Array(new SharedArrayBuffer(4)), 0)
    const broken = () => {
      throw new Error('broken')
    }
    expect(() => mutex.run(broken)).toThrow('broken')
    expect(mutex.run(() => 1)).toBe(1)
  })

  it('loses no update of three threads that count with plain loads and stores', async () => {
    const words = new Int32Array(new SharedArrayBuffer(8))
    const rounds = 50_000
    const others = [0, 1].map(() =>
      thread(
        words,
        `const m = new device.SharedMutex(words, 0); for (let i = 0; i < ${rounds}; i++) m.run(() => { words[1]++ })`,
      ),
    )
    const mutex = new SharedMutex(words, 0)
    // Start together with the others rather than be done before they exist.
    while (mutex.run(() => words[1]) === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    for (let i = 0; i < rounds; i++) mutex.run(() => words.fill((words[1] as number) + 1, 1))
    await Promise.all(others)
    expect([...words]).toEqual([0, 3 * rounds])
  })
})

describe('Doorbell', () => {
  it('does not sleep when it was rung since', async () => {
    const bell = new Doorbell(new Int32Array(new SharedArrayBuffer(8)), 1)
    const seen = bell.count()
    bell.ring()
    await bell.rung(seen)
    expect(bell.count()).toBe(seen + 1)
  })

  it('gives up after the timeout', async () => {
    const bell = new Doorbell(new Int32Array(new SharedArrayBuffer(8)), 1)
    const keepAlive = setInterval(() => bell.count(), 1000)
    await bell.rung(bell.count(), 5)
    clearInterval(keepAlive)
    expect(bell.count()).toBe(0)
  })

  it('wakes a sleeper from another thread', async () => {
    const words = new Int32Array(new SharedArrayBuffer(8))
    const bell = new Doorbell(words, 1)
    const ringer = thread(words, 'new device.Doorbell(words, 1).ring()')
    await bell.rung(0)
    expect(bell.count()).toBe(1)
    await ringer
  })
})

describe('ByteRing', () => {
  const ring = (capacity = 8) => new ByteRing(new Int32Array(ByteRing.words(capacity) + 3), 3, capacity)

  it('refuses what does not fit, and keeps the order around the edge', () => {
    const r = ring()
    expect(r.write(Uint8Array.of(1, 2, 3, 4, 5))).toBe(5)
    expect([r.shift(), r.shift(), r.shift()]).toEqual([1, 2, 3])
    expect(r.write(Uint8Array.of(6, 7, 8, 9, 10, 11, 12))).toBe(6)
    expect(r.push(13)).toBe(false)
    expect([r.length, r.room]).toEqual([8, 0])
    expect([...r.drain()]).toEqual([4, 5, 6, 7, 8, 9, 10, 11])
    expect(r.shift()).toBeUndefined()
  })

  it('goes on when its counters wrap', () => {
    const words = new Int32Array(ByteRing.words(8))
    words.fill(-3, 0, 2)
    const r = new ByteRing(words, 0, 8)
    expect(r.write(Uint8Array.of(1, 2, 3, 4, 5, 6))).toBe(6)
    expect(r.length).toBe(6)
    expect([...r.drain()]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('has a power of two as capacity', () => {
    expect(() => ring(12)).toThrow('power of two')
  })
})
