/**
 * What the compiler made, as records of a file, so that another process need not make it again.
 *
 * ```
 *   record = magic u32 │ bytes of the rest u32 │ checksum of the rest u32 │ index: bytes u32, JSON │ pages │ module
 * ```
 * A record is one batch: the module, and for each request that it answers the 4 KiB of code, the place that was hot, and
 * the regions; and the code of the pages around that these reach into. Each page of code is there once. Records are appended whole; a reader skips what is torn or altered and goes on at the next magic.
 * Why the code itself is there: a region is right for these bytes and no others, and a hash is no proof.
 * Invariant: the file is for one emitter and one kind of host (`fused`); whoever names it sees to that.
 */

import { defined } from '@virga/base'
import type { HashedCode } from './compile.ts'

/** A request and its answer, apart from whose they were. */
export interface CachedAnswer extends HashedCode {
  readonly root: number
  readonly regions: readonly { readonly place: number; readonly entries: readonly number[] }[]
}

/** A module and what it answers. */
export interface CachedBatch {
  readonly module: Uint8Array<ArrayBuffer>
  readonly answers: readonly CachedAnswer[]
  /** the code of pages around that it imports the numbers of, in this order */
  readonly around: readonly HashedCode[]
}

const magic = 0x31435256
const headerBytes = 12
/** Of the code of an answer. */
export const codeBytes = 4096

/** What is known of a batch besides bytes; `codes` are the hashes of the pages that follow. */
interface Index {
  readonly answers: readonly {
    readonly root: number
    readonly regions: CachedAnswer['regions']
    /** which of the pages */
    readonly code: number
  }[]
  readonly codes: readonly number[]
  /** which of the pages lie around */
  readonly around: readonly number[]
}

/** A 32-bit checksum: against accidents, not against malice. The host's own, since a file has many megabytes. */
export type Checksum = (bytes: Uint8Array) => number

/** The record of a batch. */
export function encodeBatch(
  { module, answers, around }: CachedBatch,
  checksum: Checksum,
): Uint8Array<ArrayBuffer> {
  const pages: HashedCode[] = []
  const pageOf = ({ hash, code }: HashedCode) => {
    const known = pages.findIndex((page) => page.hash === hash && isSame(page.code, code))
    return known >= 0 ? known : pages.push({ hash, code }) - 1
  }
  const index: Index = {
    answers: answers.map((answer) => ({
      root: answer.root,
      regions: answer.regions,
      code: pageOf(answer),
    })),
    around: around.map(pageOf),
    codes: pages.map(({ hash }) => hash),
  }
  const json = new TextEncoder().encode(JSON.stringify(index))
  const bytes = 4 + json.length + pages.length * codeBytes + module.length
  const record = new Uint8Array(headerBytes + bytes)
  const view = new DataView(record.buffer)
  view.setUint32(headerBytes, json.length, true)
  let at = headerBytes + 4
  const put = (piece: Uint8Array) => {
    record.set(piece, at)
    at += piece.length
  }
  put(json)
  for (const { code } of pages) put(code)
  put(module)
  view.setUint32(0, magic, true)
  view.setUint32(4, bytes, true)
  view.setUint32(8, checksum(record.subarray(headerBytes)), true)
  return record
}

/** The batches of a file, in order, without what is damaged. They are views of its bytes. */
export function* decodeBatches(file: Uint8Array<ArrayBuffer>, checksum: Checksum): Generator<CachedBatch> {
  // Node's Buffer is one too, and its `slice` copies nothing.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.length)
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  for (let at = 0; at + headerBytes + 4 <= file.length; ) {
    const end = at + headerBytes + view.getUint32(at + 4, true)
    if (view.getUint32(at, true) !== magic || end > file.length) {
      at += 1
      continue
    }
    const rest = bytes.subarray(at + headerBytes, end)
    if (checksum(rest) !== view.getUint32(at + 8, true)) {
      at += 1
      continue
    }
    yield decodeRest(rest)
    at = end
  }
}

function decodeRest(rest: Uint8Array<ArrayBuffer>): CachedBatch {
  const jsonBytes = new DataView(rest.buffer, rest.byteOffset).getUint32(0, true)
  const pages = 4 + jsonBytes
  // The checksum says that it is what `encodeBatch` wrote.
  const index = JSON.parse(new TextDecoder().decode(rest.subarray(4, pages))) as Index
  const codes = index.codes.map((hash, number) => ({
    hash,
    code: rest.subarray(pages + number * codeBytes, pages + (number + 1) * codeBytes),
  }))
  const codeOf = (number: number) => defined(codes[number], 'page of the index')
  return {
    module: rest.subarray(pages + codes.length * codeBytes),
    answers: index.answers.map(({ root, regions, code }) => ({ root, regions, ...codeOf(code) })),
    around: index.around.map(codeOf),
  }
}

/** Whether two runs of bytes, of the same length, are the same. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || a.every((byte, index) => byte === b[index])
}
