/** Volumes in a folder of this machine, for tests that ask `qemu-img` about them. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Access, createVolume, openVolume, type Volume, type VolumeFormat } from '@virga/volume'
import { createDiskFile, inflateRaw, openDiskFile } from '../../../apps/cli/adapters/disk-file.ts'

/** What the files of this machine are opened with. */
export const platform = { openFile: openDiskFile, createFile: createDiskFile, inflate: inflateRaw } as const

/** A folder, gone when `work` ends. */
export function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'virga-volume-'))
  try {
    work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Opens a volume; throws what is wrong with it. */
export function open(path: string, access: Access, format?: VolumeFormat): Volume {
  const opened = openVolume({ ...platform, path, access, format })
  if (!opened.ok) throw opened.error.cause ?? new Error(opened.error.message)
  return opened.value
}

/** Makes a volume; throws what is wrong. */
export function create(path: string, options: Partial<Parameters<typeof createVolume>[0]>): void {
  const made = createVolume({ ...platform, path, format: 'qcow2', ...options })
  if (!made.ok) throw made.error.cause ?? new Error(made.error.message)
}

/** All bytes of a volume. */
export function content(path: string, format?: VolumeFormat): Uint8Array {
  const volume = open(path, 'read', format)
  const bytes = new Uint8Array(volume.sizeBytes)
  volume.read([bytes], 0)
  volume.close()
  return bytes
}
