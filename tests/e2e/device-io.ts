/** I/O thread of devices.test.ts: serves two machines, whose ports are in one network, and whose agents are echoed. */

import { workerData } from 'node:worker_threads'
import { defined, parseCidr, parseIp, seededRandom } from '@virga/base'
import { VpcNetwork } from '@virga/fabric'
import { ButtonDevice, ConsoleDevice, NetDevice } from '@virga/virtio'
import { attachMachine, Io, type MachineDescriptor } from '@virga/vmm/io'
import { now } from '../../apps/cli/clock.ts'
import { NetPort } from '../../apps/host/attach/net-port.ts'

/** A machine, and who it is in the network. */
export interface ServedMachine {
  readonly descriptor: MachineDescriptor
  readonly mac: number
  readonly address: string
}

const { machines, bell } = workerData as { machines: readonly ServedMachine[]; bell: Int32Array }
const anyone = { cidr: defined(parseCidr('0.0.0.0/0'), 'block') }
const network = new VpcNetwork({
  subnets: [defined(parseCidr('10.0.0.0/24'), 'subnet')],
  routerMac: 0x02ff_0000_0001,
  random: seededRandom(1),
})
network.setGroups([
  {
    id: 'open',
    ingress: [{ id: 'in', protocol: 'all', peer: anyone }],
    egress: [{ id: 'out', protocol: 'all', peer: anyone }],
  },
])

/** Writes back what it reads, as fast as it is taken. */
function echo(): ConsoleDevice {
  let kept: Uint8Array = new Uint8Array(0)
  const device: ConsoleDevice = new ConsoleDevice([{ name: 'virga.agent' }], {
    output: (port, pieces) => {
      if (kept.length > 0) return 0
      kept = Uint8Array.from(pieces.flatMap((piece) => [...piece]))
      const count = kept.length
      kept = kept.subarray(device.input(port, kept))
      return count
    },
    inputRoom: (port) => {
      kept = kept.subarray(device.input(port, kept))
      if (kept.length === 0) device.resume(port)
    },
    guestOpened: (port, isOpen) => device.setHostOpen(port, isOpen),
  })
  return device
}

let served = machines.map(({ descriptor, mac, address }) => {
  const port = new NetPort(now)
  const net = new NetDevice(port)
  const machine = attachMachine(descriptor, { now, wallClock: Date.now })
  const io = new Io({
    machine,
    handlers: [net, echo(), new ButtonDevice()],
    onBroken: (device, reason) => process.stderr.write(`${device} is broken: ${reason}\n`),
  })
  const addresses = [defined(parseIp(address), address)]
  port.plug(net, network, { id: address, mac, addresses, groups: ['open'] })
  return io
})
while (served.length > 0) {
  const seen = Atomics.load(bell, 0)
  const left = served.map((io) => ({ io, is: io.serve() }))
  served = left.filter(({ is }) => is !== 'stopped').map(({ io }) => io)
  if (served.length > 0 && left.every(({ is }) => is !== 'more')) Atomics.wait(bell, 0, seen)
}
