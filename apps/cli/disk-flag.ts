/** `--disk FILE[,readonly][,format=raw|qcow2]`: a disk of a machine, as it is written. */

import { basename } from 'node:path'
import { ok, type Result, userError } from '@virga/base'
import type { Access, VolumeFormat } from '@virga/volume'

/** A disk to open. Structured-clone safe. */
export interface DiskFlag {
  readonly path: string
  readonly access: Access
  readonly format: VolumeFormat
  /** what the guest finds it by under /dev/disk/by-id */
  readonly id: string
}

const idLengthMax = 20
const options = /^([^,].*?)((?:,(?:readonly|format=\w*))*)$/s

/**
 * Reads a flag. The format is what the flag says, or else the file's name: what is in the file is not asked, since a
 * guest that wrote a raw disk could have it taken for another format, with files of the host behind it.
 */
export function parseDisk(text: string): Result<DiskFlag> {
  const [, path = '', rest = ''] = options.exec(text) ?? []
  if (path === '') return userError(`--disk takes a file, such as --disk data.img, not '${text}'`)
  const words = rest.split(',').filter((word) => word !== '')
  const named = words.find((word) => word.startsWith('format='))?.slice('format='.length)
  const format = named ?? (path.endsWith('.qcow2') ? 'qcow2' : 'raw')
  if (format !== 'raw' && format !== 'qcow2')
    return userError(`--disk ${text}: the format is raw or qcow2, not '${format}'`)
  const id = basename(path)
    .replaceAll(/[^\x21-\x7e]/g, '_')
    .slice(0, idLengthMax)
  return ok({ path, access: words.includes('readonly') ? 'read' : 'write', format, id })
}
