/**
 * Tells when a machine has nothing to do and nothing to say. Why: a machine whose piped input has ended cannot be
 * told to power off any more, and a program in a pipeline must not run for ever.
 */

/** How long a machine must be silent and idle. */
const quietMs = 2000
const pollMs = 250
/** More instructions than this in `pollMs` are work; an idle Linux needs some thousands for its timers. */
const idleInstructionsMax = 1_000_000

/** What is watched, and who hears of it. */
export interface IdleWatchOptions {
  /** instructions that the machine has executed so far */
  readonly instructions: () => number
  /** called once */
  readonly onIdle: () => void
}

/** Watches from `start` to `stop`, or until it has called `onIdle`. */
export class IdleWatch {
  readonly #options: IdleWatchOptions
  #timer: NodeJS.Timeout | undefined
  #instructions = 0
  #quietForMs = 0

  constructor(options: IdleWatchOptions) {
    this.#options = options
  }

  start(): void {
    this.#instructions = this.#options.instructions()
    this.#timer ??= setInterval(() => this.#look(), pollMs)
  }

  /** The machine did something that shows: it wrote to its console. */
  active(): void {
    this.#quietForMs = 0
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const instructions = this.#options.instructions()
    const idle = instructions - this.#instructions <= idleInstructionsMax
    this.#instructions = instructions
    this.#quietForMs = idle ? this.#quietForMs + pollMs : 0
    if (this.#quietForMs < quietMs) return
    this.stop()
    this.#options.onIdle()
  }
}
