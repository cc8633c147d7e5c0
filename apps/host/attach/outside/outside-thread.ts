/** The sockets' thread, from the side of the host's thread: begun once, told of forwards and machines, ended. */

import { extname } from 'node:path'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { ok, type Result, worldError } from '@virga/base'
import { ringMemory } from './byte-ring.ts'
import type { Instance } from './metadata-server.ts'
import type { Forward } from './outside-loop.ts'
import type { OutsideAnswer, OutsideOrder, OutsideTask } from './outside-worker.ts'

/** Bytes of each ring. */
const ringBytes = 4 << 20

/** What the system says when a forward cannot be, and what to do. */
const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is in use; choose another port',
  EACCES: 'only root may listen there; choose a port from 1024 on',
  EADDRNOTAVAIL: 'this computer has no such address; use 127.0.0.1',
}

export class OutsideThread {
  /** memories of the two rings, for the thread that has the networks */
  readonly toSockets = ringMemory(ringBytes)
  readonly toFabric = ringMemory(ringBytes)
  readonly #worker: Worker
  readonly #ended: Promise<unknown>
  readonly #asked = new Map<number, (answer: OutsideAnswer) => void>()
  #nextAsk = 0

  /** Begins the thread, which rings `fabricBell` when there is something for the networks. */
  constructor(options: Pick<OutsideTask, 'fabricBell' | 'nameServers'>) {
    const workerData: OutsideTask = { ...options, toSockets: this.toSockets, toFabric: this.toFabric }
    const entry = new URL(`./outside-worker${extname(import.meta.url)}`, import.meta.url)
    this.#worker = new Worker(entry, { workerData })
    this.#ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.on('message', (answer: OutsideAnswer) => {
      this.#asked.get(answer.ask)?.(answer)
      this.#asked.delete(answer.ask)
    })
    // Machines go on without the outside; what it was is for whoever mends it.
    this.#worker.on('error', (error: unknown) => {
      if (process.env.VIRGA_DEBUG) process.stderr.write(`sockets' thread: ${inspect(error)}\n`)
    })
  }

  /** Listens for a forward. Resolves to its port. Errors: it cannot listen there. */
  async listen(forward: Forward): Promise<Result<number>> {
    const answer = await this.#ask((ask) => ({ kind: 'listen', ask, forward }))
    if ('port' in answer) return ok(answer.port)
    const refused = 'refused' in answer ? answer.refused : ''
    const why = advice[refused] ?? `the system says ${refused}`
    return worldError(`cannot listen at ${forward.address}, port ${forward.port}: ${why}`)
  }

  /** Listens no more; connections that came by it stay. */
  unlisten(forward: number): void {
    this.#tell({ kind: 'unlisten', forward })
  }

  /** Sets what the machine at a port is told about itself (undefined: nothing any more); resolves when it would be told so. */
  async setInstance(port: string, instance: Instance | undefined): Promise<void> {
    await this.#ask((ask) => ({ kind: 'instance', ask, port, instance }))
  }

  /** Ends all connections; resolves when the thread is gone. */
  async end(): Promise<void> {
    await this.#ask((ask) => ({ kind: 'end', ask }))
    await this.#worker.terminate()
  }

  async #ask(order: (ask: number) => OutsideOrder): Promise<OutsideAnswer> {
    const ask = this.#nextAsk++
    return await Promise.race([
      new Promise<OutsideAnswer>((resolve) => {
        this.#asked.set(ask, resolve)
        this.#tell(order(ask))
      }),
      this.#ended.then((): OutsideAnswer => ({ ask, refused: 'its thread ended' })),
    ])
  }

  #tell(order: OutsideOrder): void {
    this.#worker.postMessage(order)
  }
}
