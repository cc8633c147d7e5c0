/**
 * Random lives of a network: machines that talk, rules that change, time that passes, ports that come and go. From one
 * seed comes one life, so two networks can be led the same one and compared; and a life can be told as text.
 *
 * Everything is drawn from few values, so that flows meet each other and each other's answers.
 */
import { defined, type RandomWord, seededRandom } from '@virga/base'
import {
  foldSum,
  plainVnetHeader,
  pseudoHeaderSum,
  type VnetHeader,
  vnetFlag,
  vnetGso,
  writeU16,
} from '@virga/packet'
import { buildFrame, parsed } from '@virga/packet/testing'
import { reasonOf } from '../drop-reason.ts'
import { offload } from '../frame/receiver.ts'
import type { SecurityGroup } from '../vpc/firewall.ts'
import type { VpcOptions } from '../vpc/vpc-network.ts'
import { MemoryReceiver, type Received } from './memory-receiver.ts'
import { cidr, group, ip, piecesOf, routerMac, World } from './world.ts'

/** Machines of a life, and the addresses of theirs that others may know. */
const names = ['a', 'b', 'c', 'd'] as const
const firstHost = 10
/** Talks that go on at a time. */
const talksMax = 12
const outsideMac = 0x02ee_0000_0001
const uplinkMac = 0x02ee_0000_0002

const policies: readonly (readonly SecurityGroup[])[] = [
  [group('x', ['all - 0.0.0.0/0', 'all - ::/0'], ['all - 0.0.0.0/0', 'all - ::/0']), group('y', [], [])],
  [
    group('x', ['tcp 1 @x', 'icmp - 0.0.0.0/0'], ['all - 0.0.0.0/0']),
    group('y', ['udp 1-2 @x'], ['tcp - @x']),
  ],
  [group('x', [], ['tcp 1-2 0.0.0.0/0', 'udp - ::/0']), group('y', ['tcp - 0.0.0.0/0', 'udp - ::/0'], [])],
  [group('x', ['tcp - 10.0.0.10/32'], ['tcp - 10.0.0.0/24']), group('y', ['all - @y'], ['all - @y'])],
]

/** Who talks to whom, and how: last numbers of addresses, from 1000 on outside. */
interface Talk {
  readonly from: number
  readonly to: number
  readonly isV6: boolean
  readonly isDirect: boolean
  readonly kind: 'tcp' | 'udp' | 'icmp' | 'other'
  readonly ports: readonly [number, number]
}

/** One life, led by the network of one world. */
export class Scenario {
  readonly world: World
  readonly outside = new MemoryReceiver({ offloads: 31 })
  private readonly random: RandomWord
  private readonly told: string[] = []
  private readonly talks: Talk[] = []

  /** The life of `seed`. Whatever `options` are, the same life: they may only change how it is lived. */
  constructor(seed: number, options: Partial<VpcOptions> = {}) {
    this.random = seededRandom(seed)
    const limits = { connections: 64, connectionsPerPort: 6, bindings: 16, flows: 32 }
    this.world = new World({ limits, random: seededRandom(seed + 1), mtu: 1400, ...options })
    names.forEach((name, at) => {
      this.world.add(name, 10 + at, { groups: [at < 2 ? 'x' : 'y'] }, at % 2 === 0 ? 0 : 31)
    })
    this.world.network.setGroups(policies[0] ?? [])
    this.world.network.setRoutes([
      { destination: cidr('0.0.0.0/0'), target: 'uplink' },
      { destination: cidr('198.51.100.5/32'), target: 'blackhole' },
    ])
    this.setUplink()
  }

  /** Does the next thing, and tells what came of it: drops, and every byte that anybody got. */
  step(): string {
    const kind = this.random() % 60
    const what =
      kind === 0
        ? this.changeGroups()
        : kind === 1
          ? this.regroup()
          : kind === 2
            ? this.replace()
            : kind < 5
              ? this.wait()
              : kind < 9
                ? this.sendFromOutside()
                : this.send()
    const line = `${what}${this.arrivals()}`
    this.told.push(line)
    return line
  }

  /** The last things that happened. */
  tale(lines = 10): string[] {
    return this.told.slice(-lines)
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.random() % from.length] as T // never empty
  }

  private changeGroups(): string {
    const at = this.random() % policies.length
    this.world.network.setGroups(policies[at] ?? [])
    return `groups ${at}`
  }

  private regroup(): string {
    const { config, receiver } = this.world.machine(this.pick(names))
    const groups = this.pick([[], ['x'], ['y'], ['x', 'y']])
    this.world.network.putPort({ ...config, groups }, receiver)
    return `${config.id} in ${groups}`
  }

  private replace(): string {
    const name = this.pick(names)
    this.world.network.removePort(name)
    const number = 10 + names.indexOf(name)
    this.world.add(name, number, { groups: [this.pick(['x', 'y'])] }, this.pick([0, 1, 3, 31]))
    this.setUplink()
    return `${name} anew`
  }

  private setUplink(): void {
    const shared = { address: ip('192.0.2.1'), portMin: 1, portMax: 1 }
    const floating = [{ inner: ip('10.0.0.10'), outer: ip('192.0.2.10') }]
    this.world.network.setUplink(
      { receiver: this.outside, mac: uplinkMac, nextHopMac: outsideMac, shared },
      floating,
    )
  }

  private wait(): string {
    const ms = this.pick([1000, 20_000, 25_000, 31_000, 100_000, 400_000])
    this.world.nowMs += ms
    return `${ms} ms`
  }

  /** Says something in a talk that was begun, or begins one. */
  private send(): string {
    if (this.talks.length < talksMax || this.random() % 4 === 0) this.talks.unshift(this.newTalk())
    this.talks.length = Math.min(this.talks.length, talksMax)
    const talk = this.pick(this.talks)
    const peer = names[talk.to - firstHost]
    const isAnswer = peer !== undefined && this.random() % 2 === 0
    const [from, to] = isAnswer ? [talk.to, talk.from] : [talk.from, talk.to]
    const place = (number: number) =>
      number >= 1000
        ? `198.51.100.${number - 1000}`
        : talk.isV6
          ? `fd00::${number.toString(16)}`
          : `10.0.0.${number}`
    const direct = peer !== undefined && talk.isDirect
    const [frame, vnet] = this.frameBetween(
      {
        sourceMac: 0x0200_0000_0000 + from,
        destinationMac: direct ? 0x0200_0000_0000 + to : routerMac,
        source: this.random() % 30 === 0 ? place(77) : place(from),
        destination: place(to),
      },
      isAnswer ? [talk.ports[1], talk.ports[0]] : talk.ports,
      talk.kind,
    )
    const cuts = [this.random() % 80, this.random() % 300, 12]
    const name = defined(names[from - firstHost], 'only machines send')
    const reason = this.world.sendBytes(name, frame, vnet, cuts)
    return `${name} to ${place(to)} ${hex(frame.subarray(0, 54))}: ${reason ?? 'passed'}`
  }

  private newTalk(): Talk {
    const isV6 = this.random() % 4 === 0
    const near = [10, 11, 12, 13, 10, 11, 12, 13, 1, 99]
    return {
      from: firstHost + (this.random() % names.length),
      to: this.pick(isV6 ? near : [...near, 1001, 1001, 1002, 1005]),
      isV6,
      isDirect: this.random() % 2 === 0,
      kind: this.pick(['tcp', 'tcp', 'tcp', 'udp', 'icmp', 'other']),
      ports: [1 + (this.random() % 3), 1 + (this.random() % 3)],
    }
  }

  private sendFromOutside(): string {
    const [frame, vnet] = this.frameBetween({
      sourceMac: outsideMac,
      destinationMac: uplinkMac,
      source: this.pick(['198.51.100.1', '198.51.100.2']),
      destination: this.pick(['192.0.2.1', '192.0.2.1', '192.0.2.10', '192.0.2.77']),
    })
    const code = this.world.network.transmitFromUplink(piecesOf(frame, vnet), this.world.nowMs)
    this.world.network.flush()
    return `outside ${hex(frame.subarray(14, 54))}: ${code === 0 ? 'passed' : reasonOf(code)}`
  }

  private frameBetween(
    ends: {
      readonly sourceMac: number
      readonly destinationMac: number
      readonly source: string
      readonly destination: string
    },
    [sourcePort, destinationPort]: readonly [number, number] = [
      1 + (this.random() % 3),
      1 + (this.random() % 3),
    ],
    kind: Talk['kind'] = this.pick(['tcp', 'udp', 'icmp', 'other']),
  ): [Uint8Array, VnetHeader] {
    const data = new Uint8Array(this.pick([0, 1, 30, 200, 1500, 3000])).map(() => this.random())
    const ports = { sourcePort, destinationPort }
    const isV6 = ends.source.includes(':')
    const payload =
      kind === 'tcp'
        ? ({ kind, data, ...ports, flags: this.pick([2, 2, 18, 18, 16, 16, 16, 16, 16, 16, 17, 4]) } as const)
        : kind === 'udp'
          ? ({ kind, data, ...ports } as const)
          : kind === 'icmp'
            ? ({
                kind,
                data,
                type: this.pick(isV6 ? [128, 129] : [8, 0]),
                rest: 1 << 16,
              } as const)
            : ({ kind, data, protocol: 132 } as const)
    const fragment = this.random() % 20 === 0 ? this.pick([0x2000, 8]) : 0
    const frame = buildFrame({ ...ends, payload, ttl: this.pick([64, 64, 64, 2, 1]), fragment })
    return [frame, this.offloadOf(frame, fragment)]
  }

  /** Leaves the checksum, and the cutting, of some frames to the network. */
  private offloadOf(frame: Uint8Array, fragment: number): VnetHeader {
    const vnet = plainVnetHeader()
    const packet = parsed(frame)
    const { protocol, ipVersion, transportAt, ipAt, ipEnd } = packet
    if (ipVersion === 0 || fragment !== 0 || (protocol !== 6 && protocol !== 17) || this.random() % 3 === 0)
      return vnet
    vnet.flags = vnetFlag.needsChecksum
    vnet.checksumStart = transportAt
    vnet.checksumOffset = protocol === 6 ? 16 : 6
    const sum = foldSum(pseudoHeaderSum(frame, ipAt, ipVersion, protocol, ipEnd - transportAt))
    writeU16(frame, transportAt + vnet.checksumOffset, sum)
    if (this.random() % 2 === 0) return vnet
    vnet.gsoSize = this.pick([8, 500, 1300])
    vnet.gsoType = protocol === 17 ? vnetGso.udp : ipVersion === 4 ? vnetGso.tcpv4 : vnetGso.tcpv6
    return vnet
  }

  private arrivals(): string {
    const tell = (name: string, got: readonly Received[]) =>
      got.map(({ frame, vnet }) => `\n  ${name} got ${Object.values(vnet)} ${hex(frame)}`).join('')
    const inside = names.map((name) => tell(name, this.world.machine(name).receiver.take()))
    return `${inside.join('')}${tell('outside', this.outside.take())}`
  }
}

/** All bits that a receiver can agree to. */
export const allOffloads = Object.values(offload).reduce((all, bit) => all | bit, 0)

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
