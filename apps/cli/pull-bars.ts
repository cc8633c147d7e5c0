/** Progress bars of a pull, one after the other, on a terminal. */

import { SingleBar } from 'cli-progress'
import { mebibytes } from './mebibytes.ts'

/** A part of a file that was fetched. */
export interface Fetched {
  readonly label: string
  readonly receivedBytes: number
  readonly totalBytes: number
}

/** A bar for each label, the last one live. */
export class PullBars {
  readonly #output: NodeJS.WriteStream
  #bar: SingleBar | undefined
  #label = ''

  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }

  fetching({ label, receivedBytes, totalBytes }: Fetched): void {
    if (label !== this.#label) this.end()
    this.#label = label
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({
        stream: this.#output,
        format: '{label} {bar} {percentage}% {received} of {size}, {eta_formatted} left',
        barsize: 20,
        hideCursor: true,
        etaBuffer: 50,
      })
      this.#bar.start(totalBytes, receivedBytes, this.#payload({ label, receivedBytes, totalBytes }))
    }
    this.#bar.update(receivedBytes, this.#payload({ label, receivedBytes, totalBytes }))
  }

  /** Leaves the last bar as it is, and the cursor on a line of its own. */
  end(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  #payload({ label, receivedBytes, totalBytes }: Fetched): Record<string, string> {
    const width = Math.max(10, (this.#output.columns ?? 80) - 62)
    const name = label.length > width ? `${label.slice(0, width - 1)}…` : label.padEnd(width)
    return { label: name, received: mebibytes(receivedBytes), size: mebibytes(totalBytes) }
  }
}
