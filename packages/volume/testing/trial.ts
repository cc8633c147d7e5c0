/** A random qcow2 volume in memory, over a random backing chain, and the model of what it has. */

import { createVolume } from '../create.ts'
import { type Access, openVolume, type Volume, type VolumeFormat } from '../index.ts'
import type { Inflate } from '../qcow2/decompress.ts'
import { MemoryFolder } from './memory-file.ts'
import type { Random } from './random.ts'
import { VolumeModel } from './volume-model.ts'

/** For images without compressed clusters. What says that it is one is damaged. */
export const inflate: Inflate = () => {
  throw new Error('no image here has compressed clusters')
}

/** Little memory, so that tables come and go and commits happen on their own. */
const memory = { l2Bytes: 0, refcountBytes: 0 }

/** A volume that is tried out. */
export interface Trial {
  readonly folder: MemoryFolder
  /** the file of the volume on top */
  readonly path: string
  readonly model: VolumeModel
}

/** Opens a volume of a folder; throws what went wrong. */
export function openIn(folder: MemoryFolder, path: string, access: Access, format?: VolumeFormat): Volume {
  const opened = openVolume({ path, access, format, openFile: folder.openFile, inflate, memory })
  if (!opened.ok) throw opened.error.cause ?? new Error(opened.error.message)
  return opened.value
}

/** Makes a volume of a folder; throws what went wrong. */
export function createIn(
  folder: MemoryFolder,
  path: string,
  options: Partial<Parameters<typeof createVolume>[0]>,
): void {
  const { openFile, createFile } = folder
  const made = createVolume({ path, format: 'qcow2', openFile, createFile, inflate, ...options })
  if (!made.ok) throw new Error(made.error.message)
}

/** All bytes of a volume. */
export function contentOf(volume: Volume): Uint8Array {
  const bytes = new Uint8Array(volume.sizeBytes)
  volume.read([bytes], 0)
  return bytes
}

/** A new volume of random size and cluster size, over none to three others that have been written to. */
export function newTrial(random: Random): Trial {
  const folder = new MemoryFolder()
  const layers = random.below(3)
  let backing: { path: string; format: VolumeFormat } | undefined
  let below = new Uint8Array(0)
  for (let layer = 0; layer <= layers; layer++) {
    const path = `disk${layer}`
    const sizeBytes = random.between(1, 120) * 512 * random.pick([1, 8])
    const model = new VolumeModel(new Uint8Array(sizeBytes))
    model.bytes.set(below.subarray(0, sizeBytes))
    if (layer === 0 && random.oneIn(2)) {
      createIn(folder, path, { format: 'raw', sizeBytes })
      backing = { path, format: 'raw' }
    } else {
      createIn(folder, path, { sizeBytes, clusterBytes: random.pick([512, 1024, 4096, 65_536]), backing })
      backing = { path, format: 'qcow2' }
    }
    if (layer === layers && backing.format === 'qcow2') return { folder, path, model }
    const volume = openIn(folder, path, 'write', backing.format)
    for (let step = random.below(12); step > 0; step--) model.step(volume, random)
    volume.close()
    below = model.bytes.slice()
  }
  return newTrial(random)
}
