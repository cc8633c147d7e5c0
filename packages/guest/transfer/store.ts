/**
 * What the image code asks of the folder that it keeps things in. Paths are relative, with '/'.
 *
 *   objects/SHA256        a fetched file, verified: named by its content, so never changed
 *   objects/SHA256.part   one that is still being fetched; a later run goes on from there
 *   images/NAME/          a built image: kernel, initrd, manifest.json; appears whole, by rename
 *
 * Invariant: what has its final name is whole and verified; only `.part` names may be half-written.
 */

import type { Result } from '@virga/base'

/** A folder of files. Every Result's error is one line that a person can act on, such as a full disk. */
export interface Store {
  /** Length in bytes of a file; undefined when there is none. */
  size(path: string): Promise<number | undefined>
  /** A whole file. */
  read(path: string): Promise<Result<Uint8Array>>
  /** A whole file, piece by piece; throws `UnreadableFile` when it cannot be read. */
  stream(path: string): AsyncIterable<Uint8Array>
  /** Opens a file to write at its end, made with the folders above it when there is none. */
  append(path: string): Promise<Result<Appender>>
  /** Gives a file or folder another name, at once; what had that name before is gone. */
  rename(from: string, to: string): Promise<Result<void>>
  /** Removes a file or a folder with all in it; that there is none is no error. */
  remove(path: string): Promise<Result<void>>
  /** Names in a folder, in order; none when there is no such folder. */
  list(path: string): Promise<string[]>
  /** Runs `task` while no other program runs one under the same `key` of this store; `waiting` says that one does. */
  exclusively<T>(key: string, waiting: () => void, task: () => Promise<Result<T>>): Promise<Result<T>>
}

/** `message` is one line that says which file, why, and what to do. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile'
}

/** A file being written. After a failure only `close` may follow. */
export interface Appender {
  write(bytes: Uint8Array): Promise<Result<void>>
  /** Returns when the bytes are on the disk. Must be called, once, whatever happened before. */
  close(): Promise<Result<void>>
}

/** Hash of bytes that come in pieces. */
export interface Sha256 {
  update(bytes: Uint8Array): unknown
  /** Lower-case hexadecimal; last call. */
  digest(encoding: 'hex'): string
}
