/** Looks at a volume without changing what it says, changes its size, checks and repairs it. */

import type { Result } from '@virga/base'
import { closingOnFailure, type formatOf, type OpenOptions, openAlone, openChain } from './chain.ts'
import { type CheckReport, check } from './qcow2/check/check.ts'
import { repair } from './qcow2/check/repair.ts'
import { type Feature, hasFeature, knownFeatures } from './qcow2/features.ts'
import type { Backing } from './qcow2/header.ts'
import { Qcow2Image } from './qcow2/image.ts'
import type { VolumeFormat } from './volume.ts'
import { attempt, VolumeError } from './volume-error.ts'

/** What a volume's file says of it. */
export interface VolumeInfo {
  readonly format: VolumeFormat
  readonly sizeBytes: number
  readonly fileBytes: number
  /** the rest of qcow2 only */
  readonly version?: 2 | 3
  readonly clusterBytes?: number
  readonly backing?: Backing | undefined
  readonly features?: readonly string[]
}

/** Reads what the volume's own file says; not what is behind it. */
export function inspectVolume(options: OpenOptions): Result<VolumeInfo> {
  return attempt(() => {
    const { opened, format } = openAlone({ ...options, access: 'read' })
    return closingAfter(opened, () => {
      const { file } = opened
      const fileBytes = file.size()
      if (format === 'raw') return { format, sizeBytes: fileBytes, fileBytes }
      const { header, sizeBytes, geometry } = Qcow2Image.open(file, 'read')
      const { version, backing } = header
      const features = Object.values(knownFeatures)
        .filter((feature: Feature) => hasFeature(header[feature.kind], feature))
        .map(({ name }) => name)
      return { format, sizeBytes, fileBytes, version, clusterBytes: geometry.clusterBytes, backing, features }
    })
  })
}

/** Checks a qcow2 volume; with access to write, repairs it too. What is behind it is not looked at. */
export function checkVolume(options: OpenOptions, progress?: (part: number) => void): Result<CheckReport> {
  return attempt(() => {
    const { opened, format } = openAlone(options)
    return closingAfter(opened, () => {
      if (format === 'raw') {
        const { name } = opened.file
        throw new VolumeError(`${name} is raw, which has nothing to check; name a qcow2 volume`, {
          fault: 'user',
        })
      }
      const image = Qcow2Image.open(opened.file, 'write')
      return options.access === 'write' ? repair(image, progress) : check(image, progress)
    })
  })
}

/** Changes the size of a volume. */
export function resizeVolume(
  options: OpenOptions,
  sizeBytes: number,
  allow: 'grow' | 'shrink',
): Result<void> {
  return attempt(() => {
    const volume = openChain({ ...options, access: 'write' })
    try {
      volume.resize(sizeBytes, allow)
    } finally {
      volume.close()
    }
  })
}

function closingAfter<T>(opened: Parameters<typeof formatOf>[0], work: () => T): T {
  const value = closingOnFailure(opened, work)
  opened.file.close()
  return value
}
