/** The networks of a host: their records, and addresses of machines in them. */

import { networkInterfaces } from 'node:os'
import {
  cidrAddress,
  cidrContains,
  defined,
  formatIp,
  formatMac,
  ok,
  parseCidr,
  parseIp,
  parseMac,
  type Result,
  userError,
} from '@virga/base'
import type * as z from 'zod'
import type { NetworkSpec } from './attach/host-networks.ts'
import type { NetworkBackend } from './network-backend.ts'
import type { InterfaceRecord, MachineRecord, wantedInterface } from './records/machine-record.ts'
import type { NetworkRecord } from './records/network-record.ts'
import type { RecordFolder } from './records/record-folder.ts'

/** The first addresses of a subnet are the network's own: itself, router, name server, and one in reserve. */
const reserved = 4
const macTries = 100

export class NetworkList {
  readonly #records: RecordFolder<NetworkRecord>
  readonly #backend: NetworkBackend
  readonly #networks = new Map<string, NetworkRecord>()
  readonly #random: () => number

  /** `random` gives words of 32 bits. */
  constructor(records: RecordFolder<NetworkRecord>, backend: NetworkBackend, random: () => number) {
    this.#records = records
    this.#backend = backend
    this.#random = random
  }

  /** Makes the networks that were kept. */
  async open(records: readonly NetworkRecord[]): Promise<void> {
    for (const record of records) {
      await this.#backend.create(specOf(record))
      this.#networks.set(record.name, record)
    }
  }

  /** All, by name. */
  all(): NetworkRecord[] {
    return [...this.#networks.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Errors: the name is taken. */
  async create(request: Omit<NetworkRecord, 'routerMac'>): Promise<Result<NetworkRecord>> {
    if (this.#networks.has(request.name))
      return userError(`there is a network ${request.name} already; choose another name`)
    const record = { ...request, routerMac: formatMac(this.#newMac()) }
    this.#networks.set(record.name, record)
    const written = await this.#records.put(record)
    if (!written.ok) {
      this.#networks.delete(record.name)
      return written
    }
    await this.#backend.create(specOf(record))
    return ok(record)
  }

  /** Errors: there is none, or machines have interfaces in it. */
  async remove(name: string, machines: readonly MachineRecord[]): Promise<Result<void>> {
    if (!this.#networks.has(name)) return this.#absent(name)
    const user = machines.find(({ interfaces = [] }) => interfaces.some(({ network }) => network === name))
    if (user !== undefined)
      return userError(`machine ${user.name} is in network ${name}; remove it first with \`virga local rm\``)
    this.#networks.delete(name)
    await this.#backend.remove(name)
    return await this.#records.remove(name)
  }

  /** Gives an interface what it does not say: the first free address, a MAC. Errors: what it says cannot be. */
  place(
    wanted: z.infer<typeof wantedInterface>,
    machines: readonly MachineRecord[],
  ): Result<InterfaceRecord> {
    const { network } = wanted
    const record = this.#networks.get(network)
    if (record === undefined) return this.#absent(network)
    const subnet = defined(parseCidr(record.subnet), 'a subnet that was checked')
    const others = machines
      .flatMap(({ interfaces = [] }) => interfaces)
      .filter((each) => each.network === network)
    const taken = new Set(others.flatMap(({ address, mac }) => [address, mac]))
    for (const text of [wanted.address, wanted.mac])
      if (text !== undefined && taken.has(text))
        return userError(`${text} is taken in network ${network}; choose another`)
    const size = 2 ** (32 - subnet.prefixLength)
    const own = (offset: number) => formatIp(cidrAddress(subnet, offset))
    if (wanted.address !== undefined) {
      const address = parseIp(wanted.address)
      const isOwn = [...Array(reserved).keys(), size - 1].some((offset) => own(offset) === wanted.address)
      if (address === undefined || !cidrContains(subnet, address) || isOwn)
        return userError(
          `${wanted.address} is no address for a machine in ${record.subnet}; leave out ip= to get one`,
        )
    }
    let address = wanted.address
    for (let offset = reserved; address === undefined && offset < size - 1; offset++)
      if (!taken.has(own(offset))) address = own(offset)
    if (address === undefined) return userError(`network ${network} has no address left; remove a machine`)
    return ok({ network, address, mac: wanted.mac ?? this.#freeMac(taken, record.routerMac) })
  }

  /** What would become of a packet. Errors: no such network, or nothing of the machine is there. */
  async trace(network: string, port: string, question: Parameters<NetworkBackend['trace']>[2]) {
    if (!this.#networks.has(network)) return this.#absent(network)
    const trace = await this.#backend.trace(network, port, question)
    return trace === undefined
      ? userError(
          `machine ${port} is not plugged into ${network}; start it first with \`virga local start ${port}\``,
        )
      : ok(trace)
  }

  #absent(name: string): Result<never> {
    return userError(`there is no network ${name}; \`virga local net list\` shows those there are`)
  }

  #freeMac(taken: ReadonlySet<string>, router: string): string {
    for (let attempt = 0; attempt < macTries; attempt++) {
      const mac = formatMac(this.#newMac())
      if (!taken.has(mac) && mac !== router) return mac
    }
    throw new Error('assertion failed: of 2^40 MACs one is free')
  }

  /** Locally administered, of one station. */
  #newMac(): number {
    return 0x0200_0000_0000 + (this.#random() % 2 ** 32) + (this.#random() % 2 ** 8) * 2 ** 32
  }
}

/** A network as the thread that serves queues makes it. */
export function specOf({ name, subnet, routerMac, outside }: NetworkRecord): NetworkSpec {
  const checked = <T>(value: T | undefined) => defined(value, 'a record that was checked')
  const spec = { name, subnets: [checked(parseCidr(subnet))], routerMac: checked(parseMac(routerMac)) }
  if (outside === undefined) return spec
  const hostAddresses = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map(({ address }) => parseIp(address.replace(/%.*$/, '')))
    .filter((address) => address !== undefined)
  const allow = outside.allow.map((text) => ({ cidr: checked(parseCidr(text)) }))
  return { ...spec, outside: { allow, hostAddresses } }
}
