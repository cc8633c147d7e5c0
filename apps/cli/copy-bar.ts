/** The bar of a copy or a check, on a terminal; elsewhere nothing. */

import { SingleBar } from 'cli-progress'

/** One bar. It is drawn from the first `show` on, by work that gives the terminal no other time. */
export class CopyBar {
  readonly #output: NodeJS.WriteStream
  readonly #label: string
  #bar: SingleBar | undefined

  constructor(output: NodeJS.WriteStream, label: string) {
    this.#output = output
    this.#label = label
  }

  show(done: number, total: number): void {
    if (!this.#output.isTTY) return
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({
        stream: this.#output,
        format: `${this.#label} {bar} {percentage}%, {eta_formatted} left`,
        barsize: 30,
        hideCursor: true,
        etaBuffer: 50,
      })
      this.#bar.start(total, done)
    }
    this.#bar.update(done)
  }

  /** Leaves the bar as it is, and the cursor on a line of its own. */
  end(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }
}
