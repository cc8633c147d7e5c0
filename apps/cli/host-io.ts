/** The host's I/O thread and its networks, from the side of the host's thread. */

import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { err, ok, type Result } from '@virga/base'
import { OutsideThread } from '@virga/host/attach'
import type { NetworkBackend } from '@virga/host/serve'
import type { DeviceConfig, MachineOwner } from '@virga/vmm'
import type { DiskFlag } from './disk-flag.ts'
import type { HostIoOrder, HostIoTask, HostIoWord, Plug } from './host-io-worker.ts'
import { threadEntry } from './thread-entry.ts'

type Answer = Extract<HostIoWord, { readonly ask: number }>
/** Of each kind of order, what it says besides its number. */
type Order<O = HostIoOrder> = O extends HostIoOrder ? Omit<O, 'ask'> : never

const sectorBytes = 512

/** One thread for all machines of the process, and one more for their sockets. */
export class HostIo implements NetworkBackend {
  /** the word that rings the thread; machines that it serves are made with it */
  readonly bell = new Int32Array(new SharedArrayBuffer(4))
  readonly #outside = new OutsideThread({ fabricBell: { words: this.bell, index: 0 } })
  readonly #worker: Worker
  readonly #answers = new Map<number, (answer: Answer) => void>()
  readonly #machines = new Map<number, { readonly owner: MachineOwner; readonly left: () => void }>()
  #nextAsk = 1

  /** `log` hears of disks that fail. */
  constructor(log: (line: string) => void) {
    const { toSockets, toFabric } = this.#outside
    const workerData: HostIoTask = { bell: this.bell, toSockets, toFabric }
    this.#worker = new Worker(threadEntry('host-io-worker'), { workerData })
    this.#worker.on('message', (word: HostIoWord) => {
      if ('trouble' in word) log(word.trouble)
      else if ('left' in word) this.#leave(word.left)
      else {
        this.#answers.get(word.ask)?.(word)
        this.#answers.delete(word.ask)
      }
    })
    this.#worker.on('exit', () => {
      for (const [disks, { owner }] of this.#machines) {
        owner.ioExited()
        this.#leave(disks)
      }
    })
    // Its machines' outcomes tell of it; what it was is for whoever mends it.
    this.#worker.on('error', (error: unknown) => log(`the I/O thread failed: ${inspect(error)}`))
  }

  /** Opens disks of a machine to be. Resolves to their number, for `serve` or `close`, and to them as devices. */
  async open(
    disks: readonly DiskFlag[],
  ): Promise<Result<{ readonly number: number; readonly devices: DeviceConfig[] }>> {
    const { ask: number, sizesBytes = [], refused } = await this.#ask({ kind: 'open', disks })
    if (refused !== undefined) return err(refused)
    const devices = disks.map(({ access, id }, at): DeviceConfig => {
      const sectors = (sizesBytes[at] ?? 0) / sectorBytes
      return { kind: 'blk', disk: { sectors, access: access === 'read' ? 'read-only' : 'read-write', id } }
    })
    return ok({ number, devices })
  }

  /** Serves a machine from now on. Resolves to a promise of when nothing of it is left there, and its disks are closed. */
  async serve(
    owner: MachineOwner,
    disks: number,
    plugs: readonly Plug[],
  ): Promise<{ readonly left: Promise<void> }> {
    const left = new Promise<void>((resolve) => this.#machines.set(disks, { owner, left: resolve }))
    await this.#ask({ kind: 'serve', disks, descriptor: owner.descriptor, plugs })
    return { left }
  }

  /** Closes disks whose machine was not made. */
  async close(disks: number): Promise<void> {
    await this.#ask({ kind: 'close', disks })
  }

  async create(spec: Parameters<NetworkBackend['create']>[0]): Promise<void> {
    await this.#ask({ kind: 'create', spec })
  }

  async remove(network: string): Promise<void> {
    await this.#ask({ kind: 'remove', network })
  }

  async trace(...[network, port, question]: Parameters<NetworkBackend['trace']>) {
    return (await this.#ask({ kind: 'trace', network, port, question })).trace
  }

  /** What the machine at a port is told about itself. */
  async setInstance(...instance: Parameters<OutsideThread['setInstance']>): Promise<void> {
    await this.#outside.setInstance(...instance)
  }

  /** Ends both threads; their machines have ended. */
  async end(): Promise<void> {
    await this.#ask({ kind: 'end' })
    await Promise.all([this.#worker.terminate(), this.#outside.end()])
  }

  #leave(disks: number): void {
    this.#machines.get(disks)?.left()
    this.#machines.delete(disks)
  }

  #ask(order: Order): Promise<Answer> {
    const ask = this.#nextAsk++
    return new Promise((resolve) => {
      this.#answers.set(ask, resolve)
      this.#worker.postMessage({ ...order, ask })
      Atomics.add(this.bell, 0, 1)
      Atomics.notify(this.bell, 0)
    })
  }
}
