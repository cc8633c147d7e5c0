/**
 * A program that writes to a volume until it is killed, or has done COUNT writes: `node volume-writer.ts FILE SEED
 * [COUNT]`. After each flush it says `flushed N` on its standard output, where N is how many writes of the seed's sequence are on the disk.
 */

import { writeSync } from 'node:fs'
import { openVolume } from '@virga/volume'
import { inflateRaw, openDiskFile } from '../../apps/cli/adapters/disk-file.ts'
import { writesOf } from './volume-writes.ts'

const [path = '', seed = '', countMax = 'Infinity'] = process.argv.slice(2)
// Few tables in memory, so that it commits between flushes, too.
const memory = { l2Bytes: 0, refcountBytes: 0 }
const opened = openVolume({ path, access: 'write', openFile: openDiskFile, inflate: inflateRaw, memory })
if (!opened.ok) throw new Error(opened.error.message)
const volume = opened.value
writeSync(1, 'ready\n')
let count = 0
for (const { kind, offset, bytes, fill } of writesOf(Number(seed), volume.sizeBytes)) {
  if (kind === 'write') volume.write([new Uint8Array(bytes).fill(fill)], offset)
  else if (kind === 'discard') volume.discard(offset, bytes)
  else volume.writeZeroes(offset, bytes, fill % 2 === 0 ? 'keep' : 'free')
  count += 1
  if (count >= Number(countMax)) break
  if (count % 5 !== 0) continue
  volume.flush()
  writeSync(1, `flushed ${count}\n`)
}
