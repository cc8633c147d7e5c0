/**
 * What a crash leaves. The events of a volume's file are recorded; then the file is looked at as it was after each of
 * them (a process that was killed), and as a disk may have it that lost power: with any of the writes since the last
 * flush, and any sectors of them.
 */
import { describe, expect, it } from 'vitest'
import { checkVolume } from '../index.ts'
import {
  contentOf,
  type FileEvent,
  inflate,
  MemoryFile,
  MemoryFolder,
  newTrial,
  openIn,
  Random,
} from '../testing.ts'

const seeds = Array.from({ length: 25 }, (_, seed) => seed + 1)
const sectorBytes = 512

/** The folder, with another content of one file. */
function withFile(folder: MemoryFolder, path: string, content: Uint8Array): MemoryFolder {
  const copy = new MemoryFolder()
  for (const [name, file] of folder.files) copy.files.set(name, file)
  copy.add(path, content)
  return copy
}

function expectSound(folder: MemoryFolder, path: string, when: string): Uint8Array {
  const checked = checkVolume({ path, access: 'read', openFile: folder.openFile, inflate })
  expect(checked, when).toMatchObject({
    ok: true,
    value: { leaks: 0, miscounted: 0, damages: 0, findings: [] },
  })
  return contentOf(openIn(folder, path, 'read'))
}

/** Writes at random, and calls `look` with the model and what the file was and became between two of its flushes. */
function live(
  seed: number,
  look: (trial: {
    folder: MemoryFolder
    path: string
    flushed: Uint8Array
    since: readonly FileEvent[]
    random: Random
    impossibleSector: (found: Uint8Array) => number | undefined
  }) => void,
): void {
  const random = new Random(seed)
  const { folder, path, model } = newTrial(random)
  const volume = openIn(folder, path, 'write')
  const file = folder.files.get(path)
  if (file === undefined) throw new Error('no file')
  let flushed = file.content()
  let since: FileEvent[] = []
  const looked = {
    folder,
    path,
    random,
    impossibleSector: (found: Uint8Array) => model.impossibleSector(found),
  }
  file.listen = (event) => {
    if (event.kind !== 'flush') {
      since.push(event)
      return
    }
    // Some of these flushes are between a commit's tables and its header.
    look({ ...looked, flushed, since })
    flushed = file.content()
    since = []
  }
  for (let step = 0; step < 25; step++) model.step(volume, random)
  look({ ...looked, flushed, since })
}

describe('a process that is killed', () => {
  it.each(seeds)('leaves a sound image after every write, with all that was flushed, seed %i', (seed) => {
    live(seed, ({ folder, path, flushed, since, impossibleSector }) => {
      const replayed = new MemoryFile('disk', flushed)
      for (const [index, event] of since.entries()) {
        replayed.apply(event)
        const found = expectSound(withFile(folder, path, replayed.content()), path, `after event ${index}`)
        expect(impossibleSector(found), `after event ${index}`).toBeUndefined()
      }
    })
  })
})

describe('a disk that loses power', () => {
  it.each(seeds)('leaves a sound image, with all that was flushed, seed %i', (seed) => {
    live(seed, ({ folder, path, flushed, since, random, impossibleSector }) => {
      for (let world = 0; world < 4; world++) {
        const survivor = new MemoryFile('disk', flushed)
        for (const event of since) {
          if (event.kind !== 'write') {
            if (random.oneIn(2)) survivor.apply(event)
            continue
          }
          const isTorn = random.oneIn(2)
          for (let at = 0; at < event.bytes.length; at += sectorBytes) {
            if (isTorn ? random.oneIn(2) : at > 0) continue
            const bytes = isTorn ? event.bytes.subarray(at, at + sectorBytes) : event.bytes
            if (isTorn || world % 2 === 0) survivor.apply({ kind: 'write', offset: event.offset + at, bytes })
          }
        }
        const found = expectSound(withFile(folder, path, survivor.content()), path, `world ${world}`)
        expect(impossibleSector(found), `world ${world}`).toBeUndefined()
      }
    })
  })
})
