/** A volume as the block device's backend: what file or image did wrong is told once, and the guest gets I/O errors. */

import type { Result } from '@virga/base'
import type { BlkBackend, BlkOutcome } from '@virga/virtio'
import { openVolume, type Volume, VolumeError } from '@virga/volume'
import { inflateRaw, openDiskFile } from './adapters/disk-file.ts'
import type { DiskFlag } from './disk-flag.ts'

/** Opens what a flag names. */
export function openDisk({ path, access, format }: DiskFlag): Result<Volume> {
  return openVolume({ path, access, format, openFile: openDiskFile, inflate: inflateRaw })
}

/** `onFailure` hears the first thing that went wrong, as one line. */
export function diskBackend(volume: Volume, onFailure: (message: string) => void): BlkBackend {
  let told = false
  function attempt(work: () => void): BlkOutcome {
    try {
      work()
      return 'done'
    } catch (error) {
      if (!(error instanceof VolumeError)) throw error
      if (!told) onFailure(error.message)
      told = true
      return 'failed'
    }
  }
  return {
    read: (into, offset) => attempt(() => volume.read(into, offset)),
    write: (from, offset) => attempt(() => volume.write(from, offset)),
    discard: (offset, bytes) => attempt(() => volume.discard(offset, bytes)),
    writeZeroes: (offset, bytes, space) => attempt(() => volume.writeZeroes(offset, bytes, space)),
    flush: () => attempt(() => volume.flush()),
  }
}
