/** What is kept of a machine: all that it takes to start it again, and nothing of what it does while it runs. */

import * as z from 'zod'
import { recordName } from './names.ts'
import { macText } from './network-record.ts'

const absolutePath = z.string().regex(/^\//, 'is no absolute path')

/** A disk of a machine. */
export const diskRecord = z.strictObject({
  path: absolutePath,
  access: z.enum(['read', 'write']),
  format: z.enum(['raw', 'qcow2']),
  /** what the guest finds it by under /dev/disk/by-id */
  id: z.string().max(20),
})

export type DiskRecord = z.infer<typeof diskRecord>

/** A network device of a machine. */
export const interfaceRecord = z.strictObject({ network: recordName, address: z.ipv4(), mac: macText })

export type InterfaceRecord = z.infer<typeof interfaceRecord>

/** One that is to be: what it does not say is chosen. */
export const wantedInterface = interfaceRecord.partial({ address: true, mac: true })

export const machineRecord = z.strictObject({
  name: recordName,
  /** an image of the cache, or files */
  boot: z.union([
    z.strictObject({ image: recordName }),
    z.strictObject({ kernel: absolutePath, initrd: absolutePath.optional() }),
  ]),
  /** added to the kernel's command line; with files: all of it */
  append: z.string().max(4096).optional(),
  cpus: z.int().min(1).max(64),
  memoryBytes: z
    .int()
    .min(2 ** 22)
    .max(2 ** 32)
    .multipleOf(4096),
  disks: z.array(diskRecord).max(16),
  interfaces: z.array(interfaceRecord).max(8).optional(),
})

/** A machine that is to be. */
export const wantedMachine = machineRecord.extend({ interfaces: z.array(wantedInterface).max(8).optional() })

export type WantedMachine = z.infer<typeof wantedMachine>

export type MachineRecord = z.infer<typeof machineRecord>
