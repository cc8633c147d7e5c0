/**
 * Fetches files into the store, each once and for good: a file is known by its hash before it is asked for,
 * kept under that name, and never asked for again.
 *
 *   objects/HASH there? ── yes ──▶ done
 *        └ no ──▶ HASH.part, from where it ends ──▶ length and hash right? ── yes ──▶ rename, done
 *                    ▲ broken off, got further: again          └ no ──▶ remove, error
 */

import { ok, type Result, worldError } from '@virga/base'
import type { Network } from './network.ts'
import { type Appender, type Sha256, type Store, UnreadableFile } from './store.ts'
import { transfer } from './transfer.ts'

/** A file on the mirror whose content is known. */
export interface RemoteFile {
  /** Such as a package's name; for messages and progress. */
  readonly label: string
  readonly url: string
  readonly bytes: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

/** Told after each piece: bytes there so far. */
export type BytesProgress = (receivedBytes: number) => void

/** How often to go on by itself after the connection broke: more often than that, a person should know. */
const attemptsMax = 5

/** Where a fetched file of this hash is in the store. */
export function objectPath(sha256: string): string {
  return `objects/${sha256}`
}

/** Sees to it that the store has `file`; the value is its path there. */
export async function download(
  file: RemoteFile,
  store: Store,
  network: Network,
  progress: BytesProgress,
): Promise<Result<string>> {
  const path = objectPath(file.sha256)
  if ((await store.size(path)) === file.bytes) return ok(path)

  for (let attempt = 1; ; attempt++) {
    const end = await fetchPart(file, store, network, progress)
    if (!end.ok) return end
    if (end.value.whole) break
    if (attempt === attemptsMax) {
      return worldError(
        `the connection broke off at ${end.value.bytes} of ${file.bytes} bytes of ${file.url}; run again to go on`,
      )
    }
  }
  const renamed = await store.rename(partPath(file), path)
  return renamed.ok ? ok(path) : renamed
}

function partPath({ sha256 }: RemoteFile): string {
  return `${objectPath(sha256)}.part`
}

/** How far the `.part` is; when `whole`, its hash is right. */
interface PartEnd {
  readonly whole: boolean
  readonly bytes: number
}

/** Goes on with the `.part` once. What cannot become the file, or be stored, is removed. */
async function fetchPart(
  file: RemoteFile,
  store: Store,
  network: Network,
  progress: BytesProgress,
): Promise<Result<PartEnd>> {
  const part = await Part.open(file, store, network.newSha256())
  if (!part.ok) return part
  const { value } = part
  progress(value.bytes)

  let bytesToSkip = 0
  const transferred =
    value.bytes === file.bytes
      ? ok('complete' as const)
      : await transfer(
          {
            url: file.url,
            fromByte: value.bytes,
            begin: async (answer) => {
              // A server that cannot start in the middle sends again what is here already.
              if (answer.kind === 'whole') bytesToSkip = value.bytes
              const bytes = answer.kind === 'whole' ? (answer.bytes ?? file.bytes) : file.bytes
              if (answer.kind === 'beyond-end' || bytes < file.bytes)
                return value.reject('is shorter than it should be')
              return bytes > file.bytes ? value.reject('is longer than it should be') : ok(undefined)
            },
            take: async (piece) => {
              const fresh = piece.subarray(bytesToSkip)
              bytesToSkip -= piece.length - fresh.length
              const added = await value.add(fresh)
              progress(value.bytes)
              return added
            },
          },
          network,
        )
  return await value.finish(transferred)
}

/** The `.part` of one file, open: what is in it, and whether it can still become the file. */
class Part {
  readonly #file: RemoteFile
  readonly #store: Store
  readonly #hash: Sha256
  readonly #appender: Appender
  #spoilt = false
  bytes: number

  private constructor(file: RemoteFile, store: Store, hash: Sha256, appender: Appender, bytes: number) {
    this.#file = file
    this.#store = store
    this.#hash = hash
    this.#appender = appender
    this.bytes = bytes
  }

  static async open(file: RemoteFile, store: Store, hash: Sha256): Promise<Result<Part>> {
    const path = partPath(file)
    const bytesThere = (await store.size(path)) ?? 0
    if (bytesThere > file.bytes) {
      const removed = await store.remove(path)
      return removed.ok ? await Part.open(file, store, hash) : removed
    }
    try {
      if (bytesThere > 0) for await (const piece of store.stream(path)) hash.update(piece)
    } catch (cause) {
      if (!(cause instanceof UnreadableFile)) throw cause
      return worldError(cause.message, cause)
    }
    const appender = await store.append(path)
    return appender.ok ? ok(new Part(file, store, hash, appender.value, bytesThere)) : appender
  }

  async add(piece: Uint8Array): Promise<Result<void>> {
    if (this.bytes + piece.length > this.#file.bytes) return this.reject('is longer than it should be')
    const written = await this.#appender.write(piece)
    if (!written.ok) this.#spoilt = true
    if (!written.ok) return written
    this.#hash.update(piece)
    this.bytes += piece.length
    return ok(undefined)
  }

  reject(what: string): Result<never> {
    this.#spoilt = true
    return worldError(
      `${this.#file.url} ${what} by Debian's signed list, and was thrown away; try again later or use another mirror`,
    )
  }

  /** Closes the file; `transferred` is how getting the rest of it ended. */
  async finish(transferred: Result<unknown>): Promise<Result<PartEnd>> {
    const closed = await this.#appender.close()
    if (!closed.ok) this.#spoilt = true
    const whole = this.bytes === this.#file.bytes
    const wrong =
      transferred.ok && closed.ok && whole && this.#hash.digest('hex') !== this.#file.sha256
        ? this.reject('does not have the hash that it should have')
        : undefined
    // A full disk is not left full, and bytes that are wrong are not gone on from.
    if (this.#spoilt) {
      const removed = await this.#store.remove(partPath(this.#file))
      if (!removed.ok) return removed
    }
    if (!transferred.ok) return transferred
    if (!closed.ok) return closed
    return wrong ?? ok({ whole, bytes: this.bytes })
  }
}
