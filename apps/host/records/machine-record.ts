/** What is kept of a machine: all that it takes to start it again, and nothing of what it does while it runs. */

import * as z from 'zod'
import { recordName } from './names.ts'

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
})

export type MachineRecord = z.infer<typeof machineRecord>
