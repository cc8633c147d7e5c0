/** When a machine counts as having nothing to do. Time is Vitest's. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { IdleWatch } from './idle-watch.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A watch on a machine that executes `perSecond` instructions, and how often it was called idle. */
function watch(perSecond: () => number) {
  let instructions = 0
  const timer = setInterval(() => (instructions += perSecond() / 100), 10)
  const heard = { idle: 0 }
  const watching = new IdleWatch({ instructions: () => instructions, onIdle: () => (heard.idle += 1) })
  watching.start()
  return { watching, heard, timer }
}

describe('IdleWatch', () => {
  it('hears of a silent, sleeping machine once, after two seconds', () => {
    const { heard } = watch(() => 50_000)
    vi.advanceTimersByTime(1990)
    expect(heard.idle).toBe(0)
    vi.advanceTimersByTime(5000)
    expect(heard.idle).toBe(1)
  })

  it('waits while the machine works, silent as it may be', () => {
    let perSecond = 200_000_000
    const { heard } = watch(() => perSecond)
    vi.advanceTimersByTime(60_000)
    expect(heard.idle).toBe(0)
    perSecond = 0
    vi.advanceTimersByTime(2500)
    expect(heard.idle).toBe(1)
  })

  it('waits while the machine speaks', () => {
    const { watching, heard } = watch(() => 0)
    const speaking = setInterval(() => watching.active(), 1000)
    vi.advanceTimersByTime(30_000)
    expect(heard.idle).toBe(0)
    clearInterval(speaking)
    vi.advanceTimersByTime(2500)
    expect(heard.idle).toBe(1)
  })

  it('hears nothing after it was stopped, or before it was started', () => {
    const { watching, heard } = watch(() => 0)
    watching.stop()
    new IdleWatch({ instructions: () => 0, onIdle: () => (heard.idle += 1) }).active()
    vi.advanceTimersByTime(10_000)
    expect(heard.idle).toBe(0)
  })
})
