/**
 * Feature bits that do not belong to one kind of device, and bits of the device status.
 * @spec virtio-1.2 "Reserved Feature Bits"
 * @spec virtio-1.2 "Device Status Field"
 */

/** Bit numbers. */
export const feature = { indirectDescriptors: 28, eventIndex: 29, version1: 32, ringReset: 40 } as const

/** 64 feature bits in two unsigned words, low first. */
export type FeatureWords = readonly [low: number, high: number]

/** The words with these bits set. */
export function featureWords(bits: readonly number[]): FeatureWords {
  let [low, high] = [0, 0]
  for (const bit of bits) {
    if (bit < 32) low |= 1 << bit
    else high |= 1 << (bit - 32)
  }
  return [low >>> 0, high >>> 0]
}

/** Bits of the device status. */
export const deviceStatus = {
  acknowledge: 1,
  driver: 2,
  driverOk: 4,
  featuresOk: 8,
  needsReset: 64,
  failed: 128,
} as const
