/**
 * Shows a pull's progress: bars on a terminal, a line for each step elsewhere. Nothing is loaded or shown before
 * the first event, since most pulls find their image in the cache.
 */

import type { PullEvent } from '@virga/guest'
import { mebibytes } from './mebibytes.ts'
import type { PullBars } from './pull-bars.ts'

/** One pull's progress, in the order of its events. `close` resolves when all is drawn. */
export class PullProgress {
  readonly #output: NodeJS.WriteStream
  #bars: PullBars | undefined
  #label = ''
  #drawn: Promise<void> = Promise.resolve()

  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }

  show(event: PullEvent): void {
    this.#drawn = this.#drawn.then(() => this.#draw(event))
  }

  async close(): Promise<void> {
    await this.#drawn
    this.#bars?.end()
  }

  async #draw(event: PullEvent): Promise<void> {
    if (event.kind === 'fetching') {
      if (this.#output.isTTY) return (await this.#openBars()).fetching(event)
      if (event.label === this.#label) return
      this.#label = event.label
    }
    const line = lineFor(event)
    if (line === undefined) return
    this.#bars?.end()
    this.#output.write(`${line}\n`)
  }

  async #openBars(): Promise<PullBars> {
    const { PullBars } = await import('./pull-bars.ts')
    this.#bars ??= new PullBars(this.#output)
    return this.#bars
  }
}

function lineFor(event: PullEvent): string | undefined {
  switch (event.kind) {
    case 'waiting':
      return 'waiting for another virga that is pulling'
    case 'fetching':
      return `fetching ${event.label} (${mebibytes(event.totalBytes)})`
    case 'verified':
      return undefined
    case 'unpacking':
      return `building image ${event.label}`
    case 'built':
      return `built image ${event.name} (${mebibytes(event.bytes)})`
  }
}
