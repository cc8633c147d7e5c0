/** Two network devices with drivers of their own, joined by a real network: what one sends, the other receives. */
import { defined, parseCidr, parseIp, seededRandom } from '@virga/base'
import {
  offload,
  type PortConfig,
  type SecurityGroup,
  SegmentNetwork,
  type SegmentPort,
  VpcNetwork,
} from '@virga/fabric'
import {
  foldSum,
  loadVnetHeader,
  plainVnetHeader,
  pseudoHeaderSum,
  type VnetHeader,
  vnetFlag,
  vnetGso,
  vnetHeaderBytes,
  writeU16,
  writeVnetHeader,
} from '@virga/packet'
import { buildFrame, frameWrongs, type Payload } from '@virga/packet/testing'
import { NetDevice, netFeature, netModel, netOffload } from '@virga/virtio'
import { TestDriver } from '@virga/virtio/testing'
import { describe, expect, it } from 'vitest'
import { NetPort, type PortNetwork } from './net-port.ts'

const [rx, tx] = [0, 1]
const bufferBytes = 1536
const everything = [
  netFeature.checksum,
  netFeature.guestChecksum,
  netFeature.guestTso4,
  netFeature.guestTso6,
  netFeature.hostTso4,
  netFeature.hostTso6,
  netFeature.mergeableBuffers,
]
const plain = [netFeature.mergeableBuffers]
const anyone = { cidr: defined(parseCidr('0.0.0.0/0'), 'block') }
const open: SecurityGroup = {
  id: 'open',
  ingress: [{ id: 'in', protocol: 'all', peer: anyone }],
  egress: [{ id: 'out', protocol: 'all', peer: anyone }],
}

type Network = PortNetwork<PortConfig & SegmentPort>

/** A machine's side of it all. */
class Guest {
  readonly port: NetPort
  readonly device: NetDevice
  readonly driver: TestDriver
  readonly mac: number
  readonly address: string
  private readonly network: Network

  constructor(network: Network, number: number, features: readonly number[]) {
    this.network = network
    this.mac = 0x0200_0000_0000 + number
    this.address = `10.0.0.${number}`
    this.port = new NetPort(() => 1000)
    this.device = new NetDevice(this.port)
    this.driver = new TestDriver(netModel('net0', { mac: this.mac, mtu: 1500 }), this.device, {
      features: [...features, netFeature.status],
      queueSize: 64,
    }).start()
    this.plug()
    for (let i = 0; i < 60; i++) this.driver.queue(rx).submit([bufferBytes])
  }

  plug(): void {
    const address = defined(parseIp(this.address), this.address)
    const config = { id: this.address, mac: this.mac, addresses: [address], groups: ['open'] }
    this.port.plug(this.device, this.network, { ...config, security: 'off' })
  }

  /** Sends a frame, header and frame in buffers of their own as Linux does, the frame in two. */
  send(frame: Uint8Array, vnet: VnetHeader = plainVnetHeader()): void {
    const header = new Uint8Array(vnetHeaderBytes)
    writeVnetHeader(header, 0, vnet)
    const half = frame.length >> 1
    this.driver.queue(tx).submit([header, frame.subarray(0, half), frame.subarray(half)])
    this.driver.run(tx)
  }

  /** What arrived: header and frame, of the buffers that the header says. */
  received(): { vnet: VnetHeader; frame: Uint8Array }[] {
    const buffers = this.driver.queue(rx).completed()
    const found: { vnet: VnetHeader; frame: Uint8Array }[] = []
    for (let at = 0; at < buffers.length; ) {
      const vnet = plainVnetHeader()
      loadVnetHeader(defined(buffers[at], 'buffer').data, 0, vnet)
      const own = buffers.slice(at, at + vnet.bufferCount)
      const bytes = own.flatMap(({ data, written }) => [...data.subarray(0, written)])
      found.push({ vnet, frame: Uint8Array.from(bytes).subarray(vnetHeaderBytes) })
      at += Math.max(1, vnet.bufferCount)
    }
    return found
  }
}

function makeVpc(): VpcNetwork {
  const network = new VpcNetwork({
    subnets: [defined(parseCidr('10.0.0.0/24'), 'subnet')],
    routerMac: 0x02ff_0000_0001,
    random: seededRandom(1),
  })
  network.setGroups([open])
  return network
}

function pair(senders: readonly number[], receivers: readonly number[], network: Network = makeVpc()) {
  const a = new Guest(network, 10, senders)
  const b = new Guest(network, 11, receivers)
  const ends = { sourceMac: a.mac, destinationMac: b.mac, source: a.address, destination: b.address }
  return { network, a, b, frame: (payload: Payload) => buildFrame({ ...ends, payload }) }
}

/** A TCP frame of so many bytes of payload whose checksum is left to others, and its header. */
function partial(frame: Uint8Array, gsoSize = 0): { frame: Uint8Array; vnet: VnetHeader } {
  const copy = Uint8Array.from(frame)
  writeU16(copy, 50, foldSum(pseudoHeaderSum(copy, 14, 4, 6, copy.length - 34)))
  const vnet = {
    flags: vnetFlag.needsChecksum,
    gsoType: gsoSize === 0 ? vnetGso.none : vnetGso.tcpv4,
    headerLength: 54,
    gsoSize,
    checksumStart: 34,
    checksumOffset: 16,
    bufferCount: 0,
  }
  return { frame: copy, vnet }
}

const data = (bytes: number) => Uint8Array.from({ length: bytes }, (_, i) => i * 7)
const tcp = (bytes: number): Payload => ({
  kind: 'tcp',
  sourcePort: 1,
  destinationPort: 80,
  data: data(bytes),
})

describe('the two interfaces', () => {
  it('call offloads by the same bits', () => expect(netOffload).toEqual(offload))
})

describe('a frame', () => {
  it('for nobody is dropped and its buffers come back; one that is spoofed, too', () => {
    const { a, b } = pair(plain, plain)
    a.send(buildFrame({ sourceMac: a.mac, source: a.address, destination: '10.0.0.99', payload: tcp(10) }))
    a.send(buildFrame({ sourceMac: b.mac, source: b.address, destination: a.address, payload: tcp(10) }))
    expect([a.received(), b.received(), a.driver.queue(tx).completed().length]).toEqual([[], [], 2])
  })

  it('arrives as it was sent, and interrupts once', () => {
    const { a, b, frame } = pair(plain, plain)
    const sent = frame(tcp(1400))
    a.send(sent)
    expect(b.received()).toMatchObject([{ vnet: { flags: 0, gsoType: 0, bufferCount: 1 }, frame: sent }])
    expect(b.driver.messages).toEqual([1])
  })

  it('arrives in a segment, where all ports hear it', () => {
    const { a, b, frame } = pair(plain, plain, new SegmentNetwork({ random: seededRandom(1) }))
    a.send(frame(tcp(100)))
    expect(b.received()).toHaveLength(1)
  })

  it('is answered into the queue of the device that is just being served', () => {
    const { a } = pair(plain, plain)
    const ask = Uint8Array.from([
      ...[255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 10, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1],
      ...[2, 0, 0, 0, 0, 10, 10, 0, 0, 10, 0, 0, 0, 0, 0, 0, 10, 0, 0, 11],
    ])
    a.send(ask)
    const [answer] = a.received()
    expect([...(answer?.frame.subarray(20, 32) ?? [])]).toEqual([0, 2, 2, 0, 0, 0, 0, 11, 10, 0, 0, 11])
  })

  it('that finds no room is lost, and the next one after there is room arrives', () => {
    const { a, b, frame } = pair(plain, plain)
    for (let i = 0; i < 70; i++) a.send(frame(tcp(i)))
    expect(b.received()).toHaveLength(60)
    b.driver.queue(rx).submit([bufferBytes])
    a.send(frame(tcp(900)))
    expect(b.received()).toHaveLength(1)
  })
})

describe('offloads', () => {
  it('pass through where both agreed: a frame of many segments is one', () => {
    const { a, b, frame } = pair(everything, everything)
    const big = partial(frame(tcp(40_000)), 1448)
    a.send(big.frame, big.vnet)
    const [got] = b.received()
    expect(got?.vnet).toMatchObject({ flags: 1, gsoType: vnetGso.tcpv4, gsoSize: 1448, bufferCount: 27 })
    expect(Buffer.compare(defined(got, 'frame').frame, big.frame)).toBe(0)
  })

  it('are done here where the receiver did not agree: segments, and checksums', () => {
    const { a, b, frame } = pair(everything, plain)
    const big = partial(frame(tcp(40_000)), 1448)
    a.send(big.frame, big.vnet)
    const got = b.received()
    expect(got).toHaveLength(Math.ceil(40_000 / 1448))
    for (const { vnet, frame: segment } of got) {
      expect([vnet.flags, vnet.gsoType, frameWrongs(segment)]).toEqual([0, 0, []])
    }
    const payload = got.flatMap((each) => [...each.frame.subarray(54)])
    expect(Buffer.compare(Uint8Array.from(payload), data(40_000))).toBe(0)
  })

  it('of a checksum alone are completed where the receiver did not agree', () => {
    const { a, b, frame } = pair(everything, plain)
    const whole = frame(tcp(999))
    const left = partial(whole)
    a.send(left.frame, left.vnet)
    expect(b.received()).toMatchObject([{ vnet: { flags: 0 }, frame: whole }])
  })
})

describe('a port', () => {
  it('that is unplugged tells its guest, and carries nothing until it is back', () => {
    const { a, b, frame } = pair(plain, plain)
    b.port.unplug(b.device)
    expect([b.driver.read(4, 6, 2), b.driver.messages]).toEqual([0, [0]])
    a.send(frame(tcp(1)))
    b.send(frame(tcp(1)))
    expect([a.received(), b.received(), b.driver.queue(tx).completed().length]).toEqual([[], [], 1])
    b.plug()
    a.send(frame(tcp(2)))
    expect([b.driver.read(4, 6, 2), b.received().length]).toEqual([1, 1])
  })

  it('whose driver resets its device gets nothing until it is ready again', () => {
    const { a, b, frame } = pair(plain, plain)
    b.driver.status = 0
    a.send(frame(tcp(1)))
    expect([b.driver.status, b.received()]).toEqual([0, []])
  })
})
