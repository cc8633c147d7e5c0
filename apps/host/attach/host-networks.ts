/**
 * The networks of a host, on the thread that serves queues, which alone touches them: made, changed, asked and removed
 * between two passes; with one way outside for all.
 *
 * ```
 *   machines' devices ── NetPort ──► VpcNetwork a ── Gateway ──┐
 *                                    VpcNetwork b ── Gateway ──┼──► OutsideLink ══ rings ══► sockets
 *                                          └─ metadata ────────┘
 * ```
 * Invariants: networks share nothing but the link, which knows each connection by its own number. An id of a port is the
 * host's own, unique over all networks: metadata and forwards go by it.
 */

import {
  assert,
  type Cidr,
  defined,
  type IpAddress,
  ipv4,
  type MacAddress,
  type RandomWord,
} from '@virga/base'
import {
  type FrameObserver,
  type PortConfig,
  type PortCounters,
  type SecurityGroup,
  type Trace,
  VpcNetwork,
} from '@virga/fabric'
import {
  attachMetadata,
  type EgressPolicy,
  type Endpoint,
  Gateway,
  type MachineStream,
  type StreamListener,
  type TcpTranslator,
} from '@virga/fabric/gateway'
import type { NetDevice } from '@virga/virtio'
import type { NetPort } from './net-port.ts'
import type { ByteRing } from './outside/byte-ring.ts'
import { isLoopback, OutsideLink } from './outside/outside-link.ts'
import { type Probe, probeFrame } from './probe-frame.ts'

/** A network to be. Structured-clone safe. */
export interface NetworkSpec {
  readonly name: string
  readonly subnets: readonly Cidr[]
  readonly routerMac: MacAddress
  /** where its machines may go by way of the host; absent: nowhere */
  readonly outside?: EgressPolicy
}

/** A way in: who connects to the host at a forward comes to this port of a machine. */
export interface ForwardTarget {
  /** id of the machine's port */
  readonly port: string
  readonly machine: Endpoint
}

/** What a person asks a trace about. */
export type Question = Pick<Probe, 'protocol' | 'port' | 'destination'>

/** What the networks are joined to. */
export interface HostNetworksOptions {
  /** milliseconds of a monotonic clock */
  readonly now: () => number
  readonly random: RandomWord
  readonly toSockets: ByteRing
  readonly toFabric: ByteRing
}

interface HostNetwork {
  readonly network: VpcNetwork
  readonly ports: Map<string, PortConfig & { readonly index: number }>
  readonly gateway: Gateway | undefined
  readonly metadata: TcpTranslator
}

/** How often connections are told the time, while there are any. */
const tickMs = 100
/** Who comes in from the host itself comes from here, since no machine can answer to a loopback address. */
const hostAddress = ipv4(0x6440_0001)

export class HostNetworks {
  /** when `serve` is due though nothing has come */
  dueMs = Number.POSITIVE_INFINITY
  readonly #options: HostNetworksOptions
  readonly #link: OutsideLink
  readonly #networks = new Map<string, HostNetwork>()
  readonly #forwards = new Map<number, ForwardTarget>()

  constructor(options: HostNetworksOptions) {
    this.#options = options
    const { toSockets, toFabric } = options
    this.#link = new OutsideLink({
      toSockets,
      toFabric,
      comeIn: (forward, remote, listener) => this.#comeIn(forward, remote, listener),
    })
  }

  /** Makes a network without ports. */
  create({ name, subnets, routerMac, outside }: NetworkSpec): void {
    assert(!this.#networks.has(name), `there is one network ${name}`)
    const { random } = this.#options
    const link = this.#link
    const network = new VpcNetwork({
      subnets,
      routerMac,
      random,
      ...(outside !== undefined && { dnsForward: link.askName }),
    })
    const gateway =
      outside && new Gateway({ network, policy: outside, accept: link.accept, open: link.open, random })
    if (gateway !== undefined) {
      network.setRoutes([{ destination: { family: 4, base: ipv4(0), prefixLength: 0 }, target: 'gateway' }])
      network.setGateway(gateway)
    }
    const metadata = attachMetadata(network, link.acceptMetadata, random)
    this.#networks.set(name, { network, ports: new Map(), gateway, metadata })
  }

  /** Removes a network whose ports have been taken away. */
  remove(name: string): void {
    assert(this.#of(name).ports.size === 0, `nothing is plugged into ${name}`)
    this.#networks.delete(name)
  }

  /** Replaces all groups of a network. */
  setGroups(name: string, groups: readonly SecurityGroup[]): void {
    this.#of(name).network.setGroups(groups)
  }

  /** Plugs a machine's device into a network, or changes its port. */
  plug(name: string, config: PortConfig, port: NetPort, device: NetDevice): void {
    const { network, ports } = this.#of(name)
    let index = -1
    port.plug(
      device,
      {
        putPort: (each: PortConfig, receiver) => {
          index = network.putPort(each, receiver)
          return index
        },
        removePort: (id) => this.#removePort(name, id),
        transmit: (at, pieces, nowMs) => network.transmit(at, pieces, nowMs),
        flush: () => network.flush(),
      },
      config,
    )
    ports.set(config.id, { ...config, index })
  }

  #removePort(name: string, id: string): void {
    const { network, ports } = this.#of(name)
    network.removePort(id)
    this.#link.removePort(id)
    ports.delete(id)
    for (const [number, { port }] of this.#forwards) if (port === id) this.#forwards.delete(number)
  }

  /** Lets who comes by a forward in to a machine; undefined: nobody any more. */
  setForward(number: number, target: ForwardTarget | undefined): void {
    if (target === undefined) this.#forwards.delete(number)
    else this.#forwards.set(number, target)
  }

  #comeIn(number: number, remote: Endpoint, listener: StreamListener): MachineStream | undefined {
    const target = this.#forwards.get(number)
    if (target === undefined) return undefined
    for (const { ports, gateway } of this.#networks.values()) {
      const port = ports.get(target.port)
      if (port === undefined) continue
      const from = isLoopback(remote) ? { ...remote, address: hostAddress } : remote
      return gateway?.connect(port, target.machine, from, listener)
    }
    return undefined
  }

  /** What would become of a packet from a port, changing nothing. Undefined: there is no such port, or no such address of it. */
  trace(name: string, id: string, { protocol, port, destination }: Question): Trace | undefined {
    const { network, ports } = this.#of(name)
    const from = ports.get(id)
    const isV4 = (address: IpAddress) => address[2] === 0xffff
    const source = from?.addresses.find((address) => isV4(address) === isV4(destination))
    if (from === undefined || source === undefined) return undefined
    const peer = [...ports.values()].find(({ addresses }) =>
      addresses.some((address) => address.join() === destination.join()),
    )
    const frame = probeFrame({
      protocol,
      port,
      source,
      destination,
      sourceMac: from.mac,
      // What the network would have answered to who asks for the address: its owner's, or the router's.
      destinationMac: peer?.mac ?? network.routerMac,
    })
    return network.trace(id, frame, this.#options.now())
  }

  /** Sees all frames of a network from now on; undefined: no more. */
  observe(name: string, observer: FrameObserver | undefined): void {
    this.#of(name).network.observer = observer
  }

  /** Counters of all ports of a network, by id. */
  counters(name: string): Record<string, PortCounters> {
    const { network, ports } = this.#of(name)
    return Object.fromEntries([...ports.keys()].map((id) => [id, defined(network.counters(id), 'a port')]))
  }

  /** Deals with what came from outside, and with time. */
  serve(): 'idle' | 'more' {
    const hasMore = this.#link.serve()
    const nowMs = this.#options.now()
    const isOpen = [...this.#networks.values()].filter(
      ({ gateway, metadata }) => (gateway?.openCount ?? 0) + metadata.count > 0,
    )
    if (isOpen.length === 0) this.dueMs = Number.POSITIVE_INFINITY
    else if (this.dueMs === Number.POSITIVE_INFINITY) this.dueMs = nowMs + tickMs
    else if (nowMs >= this.dueMs) {
      this.dueMs = nowMs + tickMs
      for (const { gateway, metadata } of isOpen) {
        gateway?.tick(nowMs)
        metadata.tick(nowMs)
      }
    }
    return hasMore ? 'more' : 'idle'
  }

  #of(name: string): HostNetwork {
    return defined(this.#networks.get(name), `network ${name}`)
  }
}
