/** Valid images made invalid: random bytes where they matter, and what must not come of it. */

import { checkVolume, openVolume } from '../index.ts'
import { VolumeError } from '../volume-error.ts'
import type { Random } from './random.ts'
import { inflate, newTrial, openIn, type Trial } from './trial.ts'
import { isEqual } from './volume-model.ts'

/** Numbers that mean something at some place of an image. */
const interesting = [
  0, 1, 2, 3, 0x1ff, 0x200, 0x1000, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
] as const

/** A volume that was written to, and then damaged in its header, its tables or anywhere. */
export function newDamagedTrial(random: Random): Trial {
  const trial = newTrial(random)
  const volume = openIn(trial.folder, trial.path, 'write')
  for (let step = random.between(1, 20); step > 0; step--) trial.model.step(volume, random)
  volume.close()
  const file = trial.folder.files.get(trial.path)
  if (file === undefined) return trial
  for (let wound = random.between(1, 4); wound > 0; wound--)
    damage(file.content(), (bytes, offset) => file.write([bytes], offset), random)
  if (random.oneIn(8)) file.resize(random.below(file.size() + 1))
  return trial
}

function damage(image: Uint8Array, write: (bytes: Uint8Array, offset: number) => void, random: Random): void {
  const view = new DataView(image.buffer)
  const clusterBytes = 2 ** Math.min(21, view.getUint32(20))
  const clusters = Math.ceil(image.length / clusterBytes)
  const word = new DataView(new ArrayBuffer(8))
  // Offsets of clusters that there are lead back into the image: cycles, overlaps.
  const value = random.oneIn(2) ? random.below(clusters + 2) * clusterBytes : random.pick(interesting)
  word.setUint32(0, random.oneIn(4) ? random.bits32() : random.pick([0, 0x8000_0000, 0x4000_0000]))
  word.setUint32(4, value)
  const tables = [view.getUint32(44), view.getUint32(52), random.below(clusters) * clusterBytes]
  const offset = random.oneIn(2) ? random.below(112 / 4) * 4 : random.pick(tables) + random.below(16) * 8
  const bytes = new Uint8Array(word.buffer)
  write(random.oneIn(2) ? bytes : bytes.subarray(4), Math.min(offset, image.length))
}

/**
 * Does what can be done with a damaged volume. Returns what is wrong with how it went: something thrown that is not a
 * `VolumeError`, or an image called sound in which what was written does not stay. Undefined when all is well.
 */
export function misbehaviour({ folder, path }: Trial, random: Random): string | undefined {
  try {
    const options = { path, openFile: folder.openFile, inflate, memory: { l2Bytes: 0, refcountBytes: 0 } }
    const read = openVolume({ ...options, access: 'read' })
    if (read.ok) readAll(read.value.sizeBytes, (bytes, offset) => read.value.read([bytes], offset))
    const written = openVolume({ ...options, access: 'write' })
    if (written.ok) {
      const { sizeBytes } = written.value
      const bytes = random.bytes(Math.min(sizeBytes, 9000))
      const offset = random.below(sizeBytes - bytes.length + 1)
      written.value.write([bytes], offset)
      written.value.flush()
      const again = openIn(folder, path, 'read')
      const found = new Uint8Array(bytes.length)
      again.read([found], offset)
      if (!isEqual(found, bytes)) return 'what was written and flushed is not there'
    }
    const repaired = checkVolume({ ...options, access: 'write' })
    if (repaired.ok && repaired.value.damages === 0) {
      const clean = checkVolume({ ...options, access: 'read' })
      if (!clean.ok) return `repaired, and then: ${clean.error.message}`
      const { leaks, miscounted, damages, findings } = clean.value
      if (leaks + miscounted + damages > 0) return `repaired, and still: ${findings.join('; ')}`
    }
    return undefined
  } catch (error) {
    if (error instanceof VolumeError) return undefined
    return error instanceof Error ? `${error.stack}` : String(error)
  }
}

/** Volumes that claim to be huge are looked at in places. */
function readAll(sizeBytes: number, read: (bytes: Uint8Array, offset: number) => void): void {
  const bytes = new Uint8Array(Math.min(sizeBytes, 2 ** 20))
  const places = sizeBytes <= 2 ** 22 ? Math.ceil(sizeBytes / 2 ** 20) : 4
  for (let place = 0; place < places; place++) {
    const offset = Math.floor(((sizeBytes - bytes.length) * place) / Math.max(1, places - 1))
    read(bytes, Math.max(0, offset))
  }
}
