/** What a guest says of its memory. @spec virtio-1.2 "Memory Statistics Tags" */

/** Names of the tags, by number. Bytes, but for faults, allocations and failures, which are counts. */
const tags = [
  'swapIn',
  'swapOut',
  'majorFaults',
  'minorFaults',
  'freeBytes',
  'totalBytes',
  'availableBytes',
  'diskCacheBytes',
  'hugePageAllocations',
  'hugePageFailures',
] as const

/** What the guest told; exact up to 2^53. It may be anything: nobody checks it. */
export type BalloonStatistics = { readonly [Tag in (typeof tags)[number]]?: number }

/** Bytes of a tag and its value. */
export const statisticBytes = 10
/** A buffer of statistics is read so far; drivers have one of each tag. */
export const statisticsBytesMax = 64 * statisticBytes

/** Reads whole entries; tags that are not known are left out. */
export function readStatistics(bytes: Uint8Array): BalloonStatistics {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: { -readonly [Tag in keyof BalloonStatistics]: number } = {}
  for (let at = 0; at + statisticBytes <= bytes.length; at += statisticBytes) {
    const tag = tags[view.getUint16(at, true)]
    if (tag !== undefined) found[tag] = view.getUint32(at + 6, true) * 2 ** 32 + view.getUint32(at + 2, true)
  }
  return found
}
