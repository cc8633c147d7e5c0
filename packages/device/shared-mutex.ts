/**
 * A mutex in one word of shared memory, for threads that share nothing else.
 * Why: a machine's devices are served on whichever thread an access happens; one lock per machine orders them all.
 * The word: 0 free, 1 held, 2 held and somebody may be asleep on it.
 * Invariants: not reentrant (asserted); what is done under it is short and never waits. It sleeps in `Atomics.wait`,
 * so it cannot be used on a browser's main thread.
 */

import { assert } from '@virga/base'

/** Tries before sleeping: a critical section lasts about a microsecond, a sleep and wake-up some fifty. */
const spins = 200
/** A holder that died in the critical section must become an error, not a hang. */
const patienceMs = 30_000

export class SharedMutex {
  private readonly words: Int32Array
  private readonly index: number
  private held = false

  /** `words` is over shared memory; `words[index]` is the mutex's own, zero at first. */
  constructor(words: Int32Array, index: number) {
    this.words = words
    this.index = index
  }

  /** Runs `critical` under the lock and returns what it returns; the lock is released even if it throws. */
  run<T>(critical: () => T): T {
    this.lock()
    try {
      return critical()
    } finally {
      this.unlock()
    }
  }

  lock(): void {
    assert(!this.held, 'this thread does not hold the lock already')
    const { words, index } = this
    for (let i = 0; i < spins; i++) {
      if (Atomics.compareExchange(words, index, 0, 1) === 0) {
        this.held = true
        return
      }
    }
    while (Atomics.exchange(words, index, 2) !== 0) {
      assert(Atomics.wait(words, index, 2, patienceMs) !== 'timed-out', 'the lock is released by its holder')
    }
    this.held = true
  }

  unlock(): void {
    assert(this.held, 'this thread holds the lock')
    this.held = false
    if (Atomics.exchange(this.words, this.index, 0) === 2) Atomics.notify(this.words, this.index, 1)
  }
}
