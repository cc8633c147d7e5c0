/**
 * Judges what a network makes of hostile frames (I10). Right is: nothing throws; what is delivered is a frame for who gets
 * it, made of the sender's bytes and of none beside them; every frame is accounted for.
 */

import { seededRandom } from '@virga/base'
import { readMac } from '@virga/packet'
import { parsed } from '@virga/packet/testing'
import { SegmentNetwork } from '../segment/segment-network.ts'
import { guardByte, hostileFrame } from './hostile-frames.ts'
import { MemoryReceiver } from './memory-receiver.ts'
import { World } from './world.ts'

const machines = [10, 11, 12] as const

/** A network and a switch that are sent hostile frames, one a seed. */
export class HostileJudge {
  private readonly world = new World({ domain: 'x' })
  private readonly segment = new SegmentNetwork({ random: seededRandom(9) })
  private readonly taps: MemoryReceiver[]
  private readonly sent = new Map<number, number>()

  constructor() {
    for (const number of machines) this.world.add(`m${number}`, number, {}, number === 11 ? 31 : 0)
    this.taps = machines.map((number, at) => {
      const receiver = new MemoryReceiver({ offloads: at * 15, buffers: 1100 })
      const security = at === 0 ? 'address' : 'off'
      this.segment.putPort(
        { id: `s${number}`, security, mac: 0x0200_0000_0000 + number, addresses: [] },
        receiver,
      )
      return receiver
    })
  }

  /** What is wrong with what became of the frame of `seed`; nothing, mostly. */
  wrongs(seed: number): string[] {
    const at = seed % machines.length
    const from = machines[at] ?? 10
    const { network } = this.world
    this.world.nowMs += seed % 50
    const pieces = hostileFrame(seed, from)
    const before = pieces.memory.slice()
    network.transmit(this.world.machine(`m${from}`).index, pieces, this.world.nowMs)
    this.segment.transmit(at, pieces, this.world.nowMs)
    network.flush()
    const wrongs: string[] = []
    if (!before.every((byte, index) => byte === pieces.memory[index]))
      wrongs.push('the sender’s memory changed')
    for (const number of machines)
      for (const frame of this.world.take(`m${number}`)) wrongs.push(...this.delivered(number, frame))
    for (const tap of this.taps)
      for (const { frame } of tap.take())
        if (hasGuard(frame, before)) wrongs.push('bytes from beside the frame were sent')
    this.sent.set(from, (this.sent.get(from) ?? 0) + 1)
    return [...wrongs, ...this.accounts(from)]
  }

  private delivered(number: number, frame: Uint8Array): string[] {
    const packet = parsed(frame)
    const mac = readMac(frame, 0)
    const isOwn = mac === 0x0200_0000_0000 + number || mac === 0xffff_ffff_ffff
    return [
      ...(packet.fault === 0 ? [] : [`m${number} got a frame of fault ${packet.fault}`]),
      ...(isOwn ? [] : [`m${number} got a frame for ${mac.toString(16)}`]),
    ]
  }

  private accounts(from: number): string[] {
    const { sent = 0, passed = 0, answered = 0, drops = {} } = this.world.network.counters(`m${from}`) ?? {}
    const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0)
    const wrongs =
      sent === passed + answered + dropped
        ? []
        : [`of ${sent}, ${passed} passed, ${answered} answered, ${dropped} dropped`]
    return sent === this.sent.get(from) ? wrongs : [...wrongs, `${sent} counted of ${this.sent.get(from)}`]
  }
}

/** Whether a run of guard bytes is in a frame that the sender's own bytes have not. */
function hasGuard(frame: Uint8Array, memory: Uint8Array): boolean {
  const run = new Uint8Array(16).fill(guardByte)
  const own = memory.subarray(64, memory.length - 64)
  return contains(frame, run) && !contains(own, run)
}

function contains(bytes: Uint8Array, run: Uint8Array): boolean {
  for (let at = 0; at + run.length <= bytes.length; at++)
    if (run.every((byte, index) => bytes[at + index] === byte)) return true
  return false
}
