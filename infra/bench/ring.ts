/**
 * The switch alone: from a send ring through all layers of a `vpc` into a receive ring, on one thread, in shared memory.
 * No guest and no interrupt: what is measured is what the fabric costs. The driver's sides of the rings, which fill and
 * empty them, are in the time too. Time is the processor's, of all threads of the process, so that a busy host costs
 * little; the wall clock's is shorter where the engine's own threads work beside. Frames are of TCP connections that the firewall tracks at both ends.
 */
import { seededRandom } from '@virga/base'
import { offload, PieceList, usualLimits, VpcNetwork, vpcStateBytes } from '@virga/fabric'
import { cidr, group, ip } from '@virga/fabric/testing'
import { foldSum, pseudoHeaderSum, vnetHeaderBytes, writeU16, writeVnetHeader } from '@virga/packet'
import { buildFrame } from '@virga/packet/testing'
import { median } from './measure.ts'
import { queueSize, ReceiveRing, SendRing } from './split-ring.ts'

/** What is sent, and to whom. */
interface Load {
  readonly name: string
  /** bytes of a frame */
  readonly frameBytes: number
  readonly flows: number
  readonly gsoSize: number
  readonly receiverOffloads: number
  readonly flowCache: 'on' | 'off'
}

const everything = offload.checksum | offload.tcp4 | offload.tcp6 | offload.udp | offload.ecn
const usual = { flows: 1, gsoSize: 0, receiverOffloads: everything, flowCache: 'on' } as const
const loads: readonly Load[] = [
  { ...usual, name: '64 B', frameBytes: 64 },
  { ...usual, name: '64 B, 1000 flows', frameBytes: 64, flows: 1000 },
  { ...usual, name: '64 B, no flow cache', frameBytes: 64, flowCache: 'off' },
  { ...usual, name: '1514 B', frameBytes: 1514 },
  { ...usual, name: '64 KiB', frameBytes: 65_549, gsoSize: 1448 },
  { ...usual, name: '64 KiB, cut and summed here', frameBytes: 65_549, gsoSize: 1448, receiverOffloads: 0 },
]

/** One load's medians. */
export interface RingFigure {
  readonly name: string
  readonly unit: string
  readonly value: number
}

const batch = 32
const sampleMs = 400
const receiveBufferBytes = 4096
/** Where things are in the shared memory. */
const place = { send: 0, receive: 1 << 16, sendBuffers: 1 << 20, receiveBuffers: 1 << 25 } as const
const memoryBytes = 1 << 26

/** Measures every load, `samples` times in turn. */
export function measureRing(samples: number, progress: (line: string) => void): RingFigure[] {
  const runs = loads.map((load) => ({ load, step: prepare(load), rates: [] as number[] }))
  for (const { step } of runs) rateOf(step)
  for (let sample = 0; sample < samples; sample++)
    for (const { load, step, rates } of runs) {
      const rate = rateOf(step)
      rates.push(rate)
      progress(`ring ${load.name}, ${sample + 1}/${samples}: ${(rate / 1e6).toFixed(2)} Mpps`)
    }
  return runs.map(({ load, rates }) => {
    const rate = median(rates)
    const gbits = (rate * load.frameBytes * 8) / 1e9
    const name = `ring, ${load.name}:`
    // Small frames cost by the frame, large ones by the byte.
    return load.gsoSize === 0
      ? { name, unit: `Mpps (${gbits.toFixed(1)} Gbit/s)`, value: rate / 1e6 }
      : { name, unit: 'Gbit/s', value: gbits }
  })
}

/** Frames in a second of processor time. */
function rateOf(step: () => number): number {
  const [start, startCpu] = [performance.now(), process.cpuUsage()]
  let frames = 0
  while (performance.now() - start < sampleMs) for (let turn = 0; turn < 10; turn++) frames += step()
  const { user, system } = process.cpuUsage(startCpu)
  return (frames * 1e6) / (user + system)
}

/** A network under a load; each call of what is returned sends a batch and returns how many frames arrived. */
function prepare(load: Load): () => number {
  const pages = memoryBytes / 65_536
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  const network = new VpcNetwork({
    subnets: [cidr('10.0.0.0/24')],
    routerMac: 0x02ff_0000_0001,
    random: seededRandom(1),
    state: new SharedArrayBuffer(vpcStateBytes(usualLimits)),
    flowCache: load.flowCache,
  })
  network.setGroups([group('x', ['tcp 5201 @x'], ['tcp - 10.0.0.0/24'])])
  const send = new SendRing(memory, place.send)
  const options = { offloads: load.receiverOffloads, bufferBytes: receiveBufferBytes }
  const receive = new ReceiveRing(memory, place.receive, options)
  const machine = (id: string, number: number) => ({
    id,
    mac: 0x0200_0000_0000 + number,
    addresses: [ip(`10.0.0.${number}`)],
    groups: ['x'],
  })
  const index = network.putPort(machine('a', 10), receive)
  network.putPort(machine('b', 11), receive)
  const heads = fillBuffers(load, send)
  for (let buffer = 0; buffer < queueSize; buffer++) {
    receive.describe(buffer, place.receiveBuffers + buffer * receiveBufferBytes, receiveBufferBytes, -1)
    receive.offer(buffer)
  }
  receive.kick()
  const pieces = new PieceList(queueSize)
  const run = { flow: 0, recycled: 0, sent: 0, nowMs: 1000 }
  const size = Math.min(batch, heads.length)
  return () => {
    for (let i = 0; i < size; i++) {
      const head = heads[run.sent++ % heads.length]
      if (head === undefined) throw new Error('a batch is no larger than there are buffers')
      if (load.flows > 1) {
        run.flow = (run.flow + 1) % load.flows
        writeU16(send.bytes, head.address + vnetHeaderBytes + 34, 10_000 + run.flow)
      }
      send.offer(head.index)
    }
    send.kick()
    run.nowMs += 0.01
    while (send.take(pieces)) {
      const code = network.transmit(index, pieces, run.nowMs)
      if (code !== 0) throw new Error(`a frame was dropped with code ${code}`)
      // A frame of many segments takes most of the ring, so the driver keeps up frame by frame.
      if (load.gsoSize !== 0) {
        network.flush()
        run.recycled = (run.recycled + receive.recycle(run.recycled)) & 0xffff
      }
    }
    send.flush()
    network.flush()
    run.recycled = (run.recycled + receive.recycle(run.recycled)) & 0xffff
    return size
  }
}

/** Puts frames into the sender's memory, in pages that are not neighbours, and describes them. */
function fillBuffers(load: Load, send: SendRing): { index: number; address: number }[] {
  const dataBytes = load.frameBytes - 54
  const data = new Uint8Array(dataBytes).map((_, at) => at * 31)
  const payload = { kind: 'tcp', sourcePort: 10_000, destinationPort: 5201, flags: 16, data } as const
  const ends = { sourceMac: 0x0200_0000_000a, destinationMac: 0x0200_0000_000b }
  const frame = buildFrame({ ...ends, source: '10.0.0.10', destination: '10.0.0.11', payload })
  writeU16(frame, 50, foldSum(pseudoHeaderSum(frame, 14, 4, 6, frame.length - 34)))
  const whole = new Uint8Array(vnetHeaderBytes + frame.length)
  const gsoType = load.gsoSize === 0 ? 0 : 1
  const offsets = { checksumStart: 34, checksumOffset: 16 }
  writeVnetHeader(whole, 0, {
    flags: 1,
    gsoType,
    headerLength: 54,
    gsoSize: load.gsoSize,
    ...offsets,
    bufferCount: 0,
  })
  whole.set(frame, vnetHeaderBytes)
  const pieceBytes = 4096
  const piecesOfFrame = Math.ceil(whole.length / pieceBytes)
  const frames = Math.min(64, Math.floor(queueSize / piecesOfFrame))
  return Array.from({ length: frames }, (_, at) => {
    const first = at * piecesOfFrame
    for (let piece = 0; piece < piecesOfFrame; piece++) {
      const part = whole.subarray(piece * pieceBytes, (piece + 1) * pieceBytes)
      const address = place.sendBuffers + (first + piece) * 2 * pieceBytes
      send.bytes.set(part, address)
      send.describe(first + piece, address, part.length, piece + 1 < piecesOfFrame ? first + piece + 1 : -1)
    }
    return { index: first, address: place.sendBuffers + first * 2 * pieceBytes }
  })
}
