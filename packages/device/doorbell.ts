/**
 * A counter in shared memory that one side rings and the other sleeps on.
 * Why: a backend (console, timers) lives on the machine's main thread and must not poll; devices run on any thread.
 * Use: `const seen = bell.count()`, then do all there is to do, then `await bell.rung(seen)`: nothing is missed.
 */

export class Doorbell {
  private readonly words: Int32Array
  private readonly index: number

  /** `words` is over shared memory; `words[index]` is the doorbell's own. */
  constructor(words: Int32Array, index: number) {
    this.words = words
    this.index = index
  }

  /** Wakes whoever waits. Any thread. */
  ring(): void {
    Atomics.add(this.words, this.index, 1)
    Atomics.notify(this.words, this.index)
  }

  /** How often it was rung so far, modulo 2^32. */
  count(): number {
    return Atomics.load(this.words, this.index)
  }

  /** Blocks this thread until it has been rung since `count()` was `seen`. */
  sleep(seen: number): void {
    Atomics.wait(this.words, this.index, seen)
  }

  /**
   * Resolves when it has been rung since `count()` was `seen`, or after `timeoutMs` (none: waits for ever). It does
   * not keep a Node process alive by itself.
   */
  async rung(seen: number, timeoutMs?: number): Promise<void> {
    const wait = Atomics.waitAsync(this.words, this.index, seen, timeoutMs)
    if (wait.async) await wait.value
  }
}
