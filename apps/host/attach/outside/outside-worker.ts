/** Entry of the sockets' thread: joins the loop to its rings, answers metadata, and does what the host's thread says. */

import { getServers } from 'node:dns'
import { parentPort, workerData } from 'node:worker_threads'
import { defined } from '@virga/base'
import { Doorbell } from '@virga/device'
import { ByteRing } from './byte-ring.ts'
import { type Instance, MetadataServer } from './metadata-server.ts'
import { type Forward, OutsideLoop } from './outside-loop.ts'

/** What the thread is begun with. */
export interface OutsideTask {
  readonly toSockets: SharedArrayBuffer
  readonly toFabric: SharedArrayBuffer
  /** bell of the thread that has the networks: a word of shared memory */
  readonly fabricBell: { readonly words: Int32Array; readonly index: number }
  /** absent: those of this computer */
  readonly nameServers?: readonly string[]
}

/** What it is told; `ask` numbers what is answered. */
export type OutsideOrder =
  | { readonly kind: 'listen'; readonly ask: number; readonly forward: Forward }
  | { readonly kind: 'unlisten'; readonly forward: number }
  | {
      readonly kind: 'instance'
      readonly ask: number
      readonly port: string
      readonly instance: Instance | undefined
    }
  | { readonly kind: 'end'; readonly ask: number }

/** What it answers: the port that it listens at, the system's name for why there is none, or that it is done. */
export type OutsideAnswer = { readonly ask: number } & (
  | { readonly port: number }
  | { readonly refused: string }
  | { readonly done: true }
)

// The thread's owner gives nothing else.
const { toSockets, toFabric, fabricBell, nameServers = getServers() } = workerData as OutsideTask
const owner = defined(parentPort ?? undefined, 'the thread that owns the host')
const bell = new Doorbell(fabricBell.words, fabricBell.index)
const metadata = new MetadataServer()
const loop = new OutsideLoop({
  toSockets: new ByteRing(toSockets),
  toFabric: new ByteRing(toFabric),
  wakeFabric: () => bell.ring(),
  onMetadata: (port, connection) => metadata.serve(port, connection),
  nameServers,
})

owner.on('message', (order: OutsideOrder) => {
  if (order.kind === 'listen') void listen(order.ask, order.forward)
  else if (order.kind === 'unlisten') loop.unlisten(order.forward)
  else if (order.kind === 'instance') {
    metadata.set(order.port, order.instance)
    owner.postMessage({ ask: order.ask, done: true } satisfies OutsideAnswer)
  } else {
    loop.close()
    owner.postMessage({ ask: order.ask, done: true } satisfies OutsideAnswer)
  }
})
await loop.run()

async function listen(ask: number, forward: Forward): Promise<void> {
  try {
    owner.postMessage({ ask, port: await loop.listen(forward) } satisfies OutsideAnswer)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    owner.postMessage({ ask, refused: code } satisfies OutsideAnswer)
  }
}
