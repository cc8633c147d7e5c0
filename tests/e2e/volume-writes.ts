/** What a volume is written, by a seed: the same for who writes and for who looks what is there afterwards. */

import { Random } from '@virga/volume/testing'

/** One thing done to a volume. */
export interface VolumeWrite {
  readonly kind: 'write' | 'zero' | 'discard'
  readonly offset: number
  readonly bytes: number
  /** the byte that is written */
  readonly fill: number
}

/** Clusters of the volume that is written; discards are of whole ones, so that it is known what they leave. */
export const clusterBytes = 4096

/** An endless sequence. */
export function* writesOf(seed: number, sizeBytes: number): Generator<VolumeWrite> {
  const random = new Random(seed)
  for (;;) {
    const kind = random.pick(['write', 'write', 'write', 'write', 'zero', 'discard'] as const)
    const unit = kind === 'discard' ? clusterBytes : 512
    const units = sizeBytes / unit
    const offset = random.below(units)
    const count = Math.min(units - offset, 1 + random.below(random.pick([2, 8, 200])))
    yield { kind, offset: offset * unit, bytes: count * unit, fill: random.between(1, 255) }
  }
}
