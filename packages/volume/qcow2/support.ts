/** What of qcow2 is read, and what is written: an image that asks for more is refused in one line. */

import type { Access } from '../block-file.ts'
import { VolumeError } from '../volume-error.ts'
import { hasFeature, knownFeatures, unknownFeatures } from './features.ts'
import type { Header } from './header.ts'

/** Throws `VolumeError` for an image that cannot be opened so. */
export function refuseUnsupported(header: Header, access: Access, name: string): void {
  const { incompatible, encryption } = header
  const { dirty, corrupt, externalData, compressionType, extendedL2 } = knownFeatures
  const refuse = (what: string, advice: string): never => {
    throw new VolumeError(`${name} ${what}; ${advice}`)
  }
  if (encryption !== 0) refuse('is encrypted', 'decrypt it with `qemu-img convert`')
  if (hasFeature(incompatible, externalData)) {
    refuse('keeps its data in another file', 'make one of both with `qemu-img convert`')
  }
  if (hasFeature(incompatible, extendedL2)) {
    refuse('has extended L2 entries', 'convert it with `qemu-img convert -o extended_l2=off`')
  }
  const known = [dirty, corrupt, compressionType]
  const unknown = unknownFeatures(incompatible, 'incompatible', known, header.featureNames)
  if (unknown.length > 0) {
    refuse(`needs what this version does not know: ${unknown.join(', ')}`, 'use a newer version of Virga')
  }
  if (header.compressionType !== 0) {
    refuse('is compressed with zstd', 'convert it with `qemu-img convert -o compression_type=zlib`')
  }
  if (access === 'write') refuseWriting(header, refuse)
}

function refuseWriting(header: Header, refuse: (what: string, advice: string) => never): void {
  if (hasFeature(header.incompatible, knownFeatures.corrupt)) {
    refuse('is marked as corrupt', 'repair it with `qemu-img check -r all`')
  }
  if (header.snapshotCount > 0) {
    refuse('has internal snapshots', 'delete them with `qemu-img snapshot -d`, or convert it')
  }
  if (header.hasBitmaps) refuse('has bitmaps', 'remove them with `qemu-img bitmap --remove`, or convert it')
}
