/**
 * Writer of "newc" cpio archives, the form in which Linux takes an initramfs.
 * Why: the kernel unpacks any number of archives laid end to end, later files replacing earlier ones, so an
 * image stays as it was built and a run only appends what is its own.
 * Invariants: an archive's length is a multiple of 512, so archives may be laid end to end as they are; the
 * same entries always give the same bytes (inode numbers count up, time stamps are 0).
 * @spec linux-initramfs "initramfs buffer format"
 */

import { assert } from '@virga/base'

/** One thing in the archive. `path` has no leading slash; parents must come before what they hold. */
export type CpioEntry =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly data: Uint8Array }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'character-device'
      readonly path: string
      readonly mode: number
      readonly major: number
      readonly minor: number
    }

const fileTypeBits = { file: 0o100000, directory: 0o040000, symlink: 0o120000, 'character-device': 0o020000 }
const headerBytes = 110
const blockBytes = 512
const trailerName = 'TRAILER!!!'
const encoder = new TextEncoder()

/** The archive of `entries`, owned by root, in the order given. */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const members = entries.map((entry, index) => member(entry, index + 1))
  members.push({ fields: [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], name: encoder.encode(trailerName), data: noData })

  const usedBytes = members.reduce((sum, each) => sum + memberBytes(each), 0)
  const archive = new Uint8Array(roundUp(usedBytes, blockBytes))
  let offset = 0
  for (const each of members) {
    archive.set(header(each), offset)
    archive.set(each.name, offset + headerBytes)
    archive.set(each.data, offset + dataOffset(each))
    offset += memberBytes(each)
  }
  return archive
}

interface Member {
  /** ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor. */
  readonly fields: readonly number[]
  readonly name: Uint8Array
  readonly data: Uint8Array
}

const noData = new Uint8Array(0)

function member(entry: CpioEntry, inode: number): Member {
  assert(!entry.path.startsWith('/') && entry.path !== '', `cpio path ${entry.path} is relative`)
  const permissions = entry.kind === 'symlink' ? 0o777 : entry.mode
  const data =
    entry.kind === 'file' ? entry.data : entry.kind === 'symlink' ? encoder.encode(entry.target) : noData
  const [major, minor] = entry.kind === 'character-device' ? [entry.major, entry.minor] : [0, 0]
  const links = entry.kind === 'directory' ? 2 : 1
  return {
    fields: [inode, fileTypeBits[entry.kind] | permissions, 0, 0, links, 0, data.length, 0, 0, major, minor],
    name: encoder.encode(entry.path),
    data,
  }
}

function header({ fields, name }: Member): Uint8Array {
  const nameBytesWithNul = name.length + 1
  const words = [...fields, nameBytesWithNul, 0]
  return encoder.encode(`070701${words.map((word) => word.toString(16).padStart(8, '0')).join('')}`)
}

function dataOffset({ name }: Member): number {
  return roundUp(headerBytes + name.length + 1, 4)
}

function memberBytes(each: Member): number {
  return roundUp(dataOffset(each) + each.data.length, 4)
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple
}
