/** Thread of io.test.ts: an I/O thread whose entropy device gives zeros, or that dies at once. */

import process from 'node:process'
import { workerData } from 'node:worker_threads'
import { type ChainHandler, rngHandler } from '@virga/virtio'
import { runIo } from './io.ts'
import { attachMachine, type MachineDescriptor } from './machine.ts'

const { descriptor, script } = workerData as { descriptor: MachineDescriptor; script: 'serve' | 'die' }
const machine = attachMachine(descriptor, {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  wallClock: Date.now,
})
if (script === 'die') process.exit(3)
const handler: ChainHandler = rngHandler((count) => new Uint8Array(count).fill(0x5a))
runIo({ machine, handlers: [handler] })
