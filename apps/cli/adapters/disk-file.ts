/** Files of disks on Node: the volume package's `BlockFile`, `OpenFile` and `Inflate`. */

import * as fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { type BlockFile, type Inflate, type OpenedFile, type OpenFile, VolumeError } from '@virga/volume'

/** Buffers that the system takes in one call; a bound of Linux. */
const buffersMax = 1024

/** An open file of this machine. */
export class DiskFile implements BlockFile {
  readonly name: string
  readonly #fd: number

  constructor(name: string, fd: number) {
    this.name = name
    this.#fd = fd
  }

  size(): number {
    return this.#attempt('read', () => fs.fstatSync(this.#fd).size)
  }

  read(into: readonly Uint8Array[], offset: number): void {
    this.#attempt('read', () => {
      let at = offset
      for (let left = into; left.length > 0; ) {
        const bytes = this.#readSome(left.slice(0, buffersMax), at)
        if (bytes === 0) {
          // The end of the file.
          for (const buffer of left) buffer.fill(0)
          return
        }
        left = without(left, bytes)
        at += bytes
      }
    })
  }

  write(from: readonly Uint8Array[], offset: number): void {
    this.#attempt('write', () => {
      let at = offset
      for (let left = from; left.length > 0; ) {
        const bytes = this.#writeSome(left.slice(0, buffersMax), at)
        left = without(left, bytes)
        at += bytes
      }
    })
  }

  resize(bytes: number): void {
    this.#attempt('write', () => fs.ftruncateSync(this.#fd, bytes))
  }

  /** Data, and as much of what the system keeps of the file as it takes to find it. */
  flush(): void {
    this.#attempt('write', () => fs.fdatasyncSync(this.#fd))
  }

  close(): void {
    this.#attempt('write', () => fs.closeSync(this.#fd))
  }

  // One buffer has a call of its own, which is quicker.
  #readSome(buffers: readonly Uint8Array[], at: number): number {
    const [first] = buffers
    return buffers.length === 1 && first !== undefined
      ? fs.readSync(this.#fd, first, 0, first.length, at)
      : fs.readvSync(this.#fd, buffers, at)
  }

  #writeSome(buffers: readonly Uint8Array[], at: number): number {
    const [first] = buffers
    return buffers.length === 1 && first !== undefined
      ? fs.writeSync(this.#fd, first, 0, first.length, at)
      : fs.writevSync(this.#fd, buffers, at)
  }

  #attempt<T>(action: FileAction, work: () => T): T {
    return attempt(action, this.name, work)
  }
}

/** The buffers behind the first `bytes`, and none that is empty. */
function without(buffers: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skip = bytes
  let index = 0
  for (; index < buffers.length; index++) {
    const { length } = buffers[index] ?? []
    if (skip < length) break
    skip -= length
  }
  const [first, ...rest] = buffers.slice(index)
  return first === undefined ? [] : [first.subarray(skip), ...rest]
}

/** Opens files of this machine, as its user may. What an image names as its backing file is opened like any other. */
export const openDiskFile: OpenFile = ({ path, from, access }) => {
  const full = from === undefined ? resolve(path) : resolve(dirname(resolve(from)), path)
  return attempt(access === 'read' ? 'read' : 'write', path, () => {
    const fd = fs.openSync(full, access === 'read' ? 'r' : 'r+')
    try {
      const found = fs.fstatSync(fd)
      if (!found.isFile()) {
        const what = found.isDirectory() ? 'a folder' : 'a device'
        throw new VolumeError(`${path} is ${what}; name a file`, { fault: 'user' })
      }
      return { file: new DiskFile(path, fd), path: full, identity: `${found.dev}:${found.ino}` }
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
  })
}

/** Makes a file that is not there yet. Its name survives a loss of power. */
export function createDiskFile(path: string): OpenedFile {
  return attempt('write', path, () => {
    const full = resolve(path)
    const fd = fs.openSync(full, 'wx+')
    const folder = fs.openSync(dirname(full), 'r')
    try {
      fs.fsyncSync(folder)
    } finally {
      fs.closeSync(folder)
    }
    const { dev, ino } = fs.fstatSync(fd)
    return { file: new DiskFile(path, fd), path: full, identity: `${dev}:${ino}` }
  })
}

/** zlib's. */
export const inflateRaw: Inflate = (stream, bytesMax) => inflateRawSync(stream, { maxOutputLength: bytesMax })

type FileAction = 'read' | 'write'

/** What the system says, as one line that says what to do. */
function attempt<T>(action: FileAction, path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
    if (code === undefined || cause instanceof VolumeError) throw cause
    if (code === 'ENOENT')
      throw new VolumeError(`there is no file ${path}; check the path`, { fault: 'user', cause })
    if (code === 'EEXIST') {
      throw new VolumeError(`${path} is there already; remove it, or choose another name`, {
        fault: 'user',
        cause,
      })
    }
    throw new VolumeError(`cannot ${action} ${path}: ${advice[code] ?? `the system says ${code}`}`, { cause })
  }
}

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space',
  EDQUOT: 'your disk quota is used up; free some space',
  EACCES: 'permission denied; ask for it, or copy the file',
  EPERM: 'permission denied; ask for it, or copy the file',
  EROFS: 'the disk is read-only; copy the file to another',
  ENOTDIR: 'a file is where a folder should be; check the path',
  EISDIR: 'it is a folder; name a file',
  ELOOP: 'it is a link that leads to itself; check the path',
  EFBIG: 'the file system takes no file as large as that; choose another, or a smaller size',
}
