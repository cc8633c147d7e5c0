/**
 * The I/O thread of a machine, from its owner's side. It is begun before there is a machine, since the machine must know
 * how large its disks are, and only the thread that serves a disk opens it.
 */

import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { err, ok, type Result } from '@virga/base'
import type { DeviceConfig, MachineOwner } from '@virga/vmm'
import type { DiskFlag } from './disk-flag.ts'
import { say } from './failure.ts'
import type { IoDisks, IoReady, IoTask, IoTrouble } from './io-worker.ts'
import { threadEntry } from './thread-entry.ts'

const sectorBytes = 512
/** It keeps next to nothing; V8 takes tens of megabytes for new objects unless it is told so. */
const resourceLimits = { maxYoungGenerationSizeMb: 2 }
const lostEarly = 'the I/O thread ended before the machine began; this is a defect of Virga, please report it'

export class IoThread {
  readonly #worker: Worker
  readonly #disks: readonly DiskFlag[]
  readonly #ready: Promise<IoReady>
  readonly #ended: Promise<unknown>

  /** Begins the thread. Until `attach` it does not keep the process alive. */
  constructor(disks: readonly DiskFlag[]) {
    this.#disks = disks
    this.#worker = new Worker(threadEntry('io-worker'), { resourceLimits })
    this.#worker.unref()
    this.#ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#ready = new Promise((resolve) => {
      this.#worker.once('message', resolve)
      this.#worker.once('exit', () => resolve({ refused: { fault: 'world', message: lostEarly } }))
    })
    // The machine's outcome tells of it; what it was is for whoever mends it.
    this.#worker.on('error', (error: unknown) => {
      if (process.env.VIRGA_DEBUG) process.stderr.write(`I/O thread: ${inspect(error)}\n`)
    })
    this.#worker.postMessage({ disks } satisfies IoDisks)
  }

  /** The disks as devices, once they are open. Errors: one that cannot be used. */
  async devices(): Promise<Result<DeviceConfig[]>> {
    if (this.#disks.length === 0) return ok([])
    this.#worker.ref()
    const ready = await this.#ready
    if ('refused' in ready) return err(ready.refused)
    return ok(
      this.#disks.map(({ access, id }, i) => ({
        kind: 'blk',
        disk: {
          sectors: (ready.sizesBytes[i] ?? 0) / sectorBytes,
          access: access === 'read' ? 'read-only' : 'read-write',
          id,
        },
      })),
    )
  }

  /** Gives the machine its I/O thread. */
  attach(owner: MachineOwner): void {
    this.#worker.on('exit', () => owner.ioExited())
    this.#worker.on('message', (message: IoReady | IoTrouble) => {
      if ('trouble' in message) say(message.trouble)
    })
    this.#worker.ref()
    this.#worker.postMessage({ descriptor: owner.descriptor } satisfies IoTask)
  }

  /** Resolves when the thread of a machine that has ended is gone, and so its disks are closed. */
  async ended(): Promise<void> {
    await this.#ended
  }

  /** Ends a thread that was never given a machine. */
  async abandon(): Promise<void> {
    await this.#worker.terminate()
  }
}
