/**
 * Feature bits: what an image asks of whoever reads or writes it. What is known here, and what of it this package
 * does. A bit that is not known is called as the image's own feature name table calls it.
 *
 * @spec qcow2 "Header" @spec qcow2 "Feature name table"
 */

/** The three fields of feature bits, by their numbers in the feature name table. */
export const featureKinds = ['incompatible', 'compatible', 'autoclear'] as const
/** Which of the fields. */
export type FeatureKind = (typeof featureKinds)[number]

/** A feature, by where it is. */
export interface Feature {
  readonly kind: FeatureKind
  readonly bit: number
  readonly name: string
}

/** The features that the specification names, in its words. */
export const knownFeatures = {
  dirty: { kind: 'incompatible', bit: 0, name: 'dirty bit' },
  corrupt: { kind: 'incompatible', bit: 1, name: 'corrupt bit' },
  externalData: { kind: 'incompatible', bit: 2, name: 'external data file' },
  compressionType: { kind: 'incompatible', bit: 3, name: 'compression type' },
  extendedL2: { kind: 'incompatible', bit: 4, name: 'extended L2 entries' },
  lazyRefcounts: { kind: 'compatible', bit: 0, name: 'lazy refcounts' },
  bitmaps: { kind: 'autoclear', bit: 0, name: 'bitmaps' },
  rawExternal: { kind: 'autoclear', bit: 1, name: 'raw external data' },
} as const satisfies Readonly<Record<string, Feature>>

/** A field of 64 bits, as two halves. */
export interface FeatureBits {
  readonly high: number
  readonly low: number
}

/** Whether `feature` is set in the field of its kind. */
export function hasFeature(bits: FeatureBits, { bit }: Feature): boolean {
  return ((bit < 32 ? bits.low : bits.high) & (1 << (bit % 32))) !== 0
}

/** The names of the bits of a field that are set and not among `known`, by the image's own table where it has them. */
export function unknownFeatures(
  bits: FeatureBits,
  kind: FeatureKind,
  known: readonly Feature[],
  ownNames: readonly Feature[],
): string[] {
  const names: string[] = []
  for (let bit = 0; bit < 64; bit++) {
    if (!hasFeature(bits, { kind, bit, name: '' })) continue
    if (known.some((feature) => feature.kind === kind && feature.bit === bit)) continue
    const all = [...Object.values(knownFeatures), ...ownNames]
    const named = all.find((feature) => feature.kind === kind && feature.bit === bit)
    names.push(named === undefined ? `bit ${bit}` : named.name)
  }
  return names
}

/** Bytes of an entry of the feature name table: kind, bit, and a name filled up with zeros. */
const nameEntryBytes = 48

/** Reads a feature name table; what is no printable name is left out, since it goes into messages. */
export function parseFeatureNames(bytes: Uint8Array): Feature[] {
  const features: Feature[] = []
  for (let at = 0; at + nameEntryBytes <= bytes.length; at += nameEntryBytes) {
    const kind = featureKinds[bytes[at] ?? 0]
    const name = new TextDecoder().decode(bytes.subarray(at + 2, at + nameEntryBytes)).split('\0')[0] ?? ''
    if (kind !== undefined && /^[\x20-\x7e]+$/.test(name))
      features.push({ kind, bit: bytes[at + 1] ?? 0, name })
  }
  return features
}

/** The feature name table of the known features. */
export function encodeFeatureNames(): Uint8Array {
  const features = Object.values(knownFeatures)
  const bytes = new Uint8Array(features.length * nameEntryBytes)
  features.forEach(({ kind, bit, name }, index) => {
    bytes.set([featureKinds.indexOf(kind), bit], index * nameEntryBytes)
    bytes.set(new TextEncoder().encode(name), index * nameEntryBytes + 2)
  })
  return bytes
}
