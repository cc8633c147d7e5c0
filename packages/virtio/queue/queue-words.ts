/** What is remembered of a virtqueue, in words: what the driver said of it, and how far the device has come. */

/** Index of each word of a queue. */
export const queueWord = {
  size: 0,
  enable: 1,
  vector: 2,
  descriptors: 3,
  driver: 5,
  device: 7,
  availNext: 9,
  usedNext: 10,
  /** used.idx when the driver was last interrupted */
  usedSignalled: 11,
} as const

/** Words of a queue. */
export const queueWords = 12

/** No MSI-X vector. @spec virtio-1.2 "MSI-X Vector Configuration" */
export const noVector = 0xffff

/** A 64-bit address out of two words. Beyond 2^53 it is not exact, but then it is no memory either. */
export function addressAt(words: Int32Array, index: number): number {
  return ((words[index + 1] as number) >>> 0) * 2 ** 32 + ((words[index] as number) >>> 0)
}
