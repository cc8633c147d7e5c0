/**
 * A host: the machines of one user on this computer, as records on disk and as what runs of them. It is the library
 * behind `virga local`; how it is reached is none of its business (`control/`), nor how a machine is run (`StartMachine`).
 *
 * Invariants: a record is on disk before a machine of it is started; no machine is known that has no record.
 */

import { join } from 'node:path'
import { ok, type Result, userError, type WorldError } from '@virga/base'
import { NetworkList } from './host-network-list.ts'
import { HostedMachine } from './machine/hosted-machine.ts'
import type { StartMachine } from './machine/running-machine.ts'
import type { NetworkBackend } from './network-backend.ts'
import {
  type InterfaceRecord,
  type MachineRecord,
  machineRecord,
  type WantedMachine,
} from './records/machine-record.ts'
import { networkRecord } from './records/network-record.ts'
import { RecordFolder } from './records/record-folder.ts'

/** What a host is made of. */
export interface HostOptions {
  /** folder of the records */
  readonly state: string
  readonly startMachine: StartMachine
  readonly networks: NetworkBackend
  /** gives words of 32 bits */
  readonly random: () => number
  /** hears what happens, a line each */
  readonly log: (line: string) => void
  /** hears that something began or ended to run */
  readonly onChange?: () => void
}

export class Host {
  /** records that cannot be used; they are told with every list */
  readonly faults: readonly WorldError[]
  readonly networks: NetworkList
  readonly #options: HostOptions
  readonly #records: RecordFolder<MachineRecord>
  readonly #machines = new Map<string, HostedMachine>()

  private constructor(
    options: HostOptions,
    records: RecordFolder<MachineRecord>,
    networks: NetworkList,
    machines: readonly MachineRecord[],
    faults: readonly WorldError[],
  ) {
    this.#options = options
    this.#records = records
    this.faults = faults
    this.networks = networks
    for (const record of machines) this.#add(record)
  }

  /** Reads the records. After a kill, machines that ran are off. */
  static async open(options: HostOptions): Promise<Result<Host>> {
    const records = new RecordFolder(join(options.state, 'machines'), machineRecord)
    const found = await records.all()
    if (!found.ok) return found
    const networkRecords = new RecordFolder(join(options.state, 'networks'), networkRecord)
    const foundNetworks = await networkRecords.all()
    if (!foundNetworks.ok) return foundNetworks
    const networks = new NetworkList(networkRecords, options.networks, options.random)
    await networks.open(foundNetworks.value.records)
    const faults = [...found.value.faults, ...foundNetworks.value.faults]
    for (const { message } of faults) options.log(message)
    return ok(new Host(options, records, networks, found.value.records, faults))
  }

  /** All machines, by name. */
  machines(): HostedMachine[] {
    return [...this.#machines.values()].sort((a, b) => (a.record.name < b.record.name ? -1 : 1))
  }

  /** The machine of that name. Errors: there is none. */
  machine(name: string): Result<HostedMachine> {
    const machine = this.#machines.get(name)
    return machine === undefined
      ? userError(`there is no machine ${name}; \`virga local list\` shows those there are`)
      : ok(machine)
  }

  /** How many machines have something in this process. */
  get activeCount(): number {
    return this.machines().filter(({ isActive }) => isActive).length
  }

  /** Makes a machine, which is off. Errors: the name is taken, an interface that cannot be. */
  async create(wanted: WantedMachine): Promise<Result<HostedMachine>> {
    if (this.#machines.has(wanted.name)) {
      return userError(
        `there is a machine ${wanted.name} already; start it without options, or choose another name`,
      )
    }
    const { interfaces, ...rest } = wanted
    const placed: InterfaceRecord[] = []
    for (const each of interfaces ?? []) {
      const self: MachineRecord = { ...rest, interfaces: placed }
      const place = this.networks.place(each, [...this.#machineRecords(), self])
      if (!place.ok) return place
      placed.push(place.value)
    }
    const record: MachineRecord = placed.length === 0 ? rest : { ...rest, interfaces: placed }
    const inUse = this.#diskInUse(record)
    if (inUse !== undefined) return userError(inUse)
    const machine = this.#add(record)
    const written = await this.#records.put(record)
    if (written.ok) return ok(machine)
    this.#machines.delete(record.name)
    return written
  }

  /** Removes a network. Errors: machines are in it. */
  async removeNetwork(name: string): Promise<Result<void>> {
    return await this.networks.remove(name, this.#machineRecords())
  }

  #machineRecords(): MachineRecord[] {
    return this.machines().map(({ record }) => record)
  }

  /** Starts a machine. Errors: as `HostedMachine.start`, or a disk that another machine is writing to. */
  async start(name: string): Promise<Result<void>> {
    const machine = this.machine(name)
    if (!machine.ok) return machine
    const inUse = this.#diskInUse(machine.value.record)
    if (inUse !== undefined && machine.value.allows('start').ok) return userError(inUse)
    return await machine.value.start()
  }

  /** Removes a machine and its record; its disks stay. `force` ends it first. */
  async remove(name: string, force: boolean): Promise<Result<void>> {
    const machine = this.machine(name)
    if (!machine.ok) return machine
    if (force && machine.value.isActive) {
      const stopped = await machine.value.stop()
      if (!stopped.ok && machine.value.isActive) return stopped
    }
    const removed = machine.value.remove()
    if (!removed.ok) return removed
    this.#machines.delete(name)
    return await this.#records.remove(name)
  }

  /** Ends all machines; resolves when nothing of them is left. */
  async close(): Promise<void> {
    await Promise.all(
      this.machines().map(async (machine) => {
        // One that is starting cannot be stopped before it runs.
        while (machine.isActive && !(await machine.stop()).ok)
          await new Promise((resolve) => setTimeout(resolve, 20))
      }),
    )
  }

  #add(record: MachineRecord): HostedMachine {
    const machine = new HostedMachine(record, this.#options.startMachine, ({ state, note }) => {
      this.#options.log(`machine ${record.name} is ${state}${note === undefined ? '' : `: ${note}`}`)
      this.#options.onChange?.()
    })
    this.#machines.set(record.name, machine)
    return machine
  }

  /** Two machines on one disk would write over each other. */
  #diskInUse({ name, disks }: MachineRecord): string | undefined {
    for (const other of this.machines()) {
      if (other.record.name === name || !other.isActive) continue
      for (const { path, access } of other.record.disks) {
        const shared = disks.find((disk) => disk.path === path)
        if (shared !== undefined && (access === 'write' || shared.access === 'write'))
          return `machine ${other.record.name} is using ${path}; stop it first, or use another disk`
      }
    }
    return undefined
  }
}
