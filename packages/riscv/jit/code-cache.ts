/**
 * What the compiler made, as records of a file, so that another process need not make it again.
 *
 * ```
 *   record = magic u32 │ bytes of the rest u32 │ checksum of the rest u32 │ kind u32 │ rest
 *   a page:  hash i32 │ 4 KiB of code
 *   a batch: index: bytes u32, JSON │ module
 * ```
 * A batch is a module, and for each request that it answers the code, the place that was hot, and the regions; and the code
 * of the pages around that these reach into. It names code by digest: a process writes a page that it does not know to be
 * there before the first batch that names it. Records are appended whole; a reader skips what is torn or altered, and what
 * names a page that is not there, and goes on at the next magic.
 * Why the code itself is there: a region is right for these bytes and no others, and a hash of 32 bits is no proof.
 * Invariant: the file is for one emitter and one kind of host (`fused`); whoever names it sees to that.
 */

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

/** The host's own functions, since a file has many megabytes. */
export interface Sums {
  /** 32 bits, against accidents, not against malice */
  readonly checksum: (bytes: Uint8Array) => number
  /** against malice: no two codes have the same */
  readonly digest: (code: Uint8Array) => string
}

const magic = 0x32435256
const headerBytes = 16
const kinds = { page: 1, batch: 2 } as const
/** Of the code of an answer. */
export const codeBytes = 4096

/** What is known of a batch besides its module; pages by digest. */
interface Index {
  readonly answers: readonly {
    readonly root: number
    readonly regions: CachedAnswer['regions']
    readonly code: string
  }[]
  readonly around: readonly string[]
}

/** The record of a batch, behind those of the pages that the file does not have yet: `written` has the digests of others. */
export function encodeBatch(
  { module, answers, around }: CachedBatch,
  { checksum, digest }: Sums,
  written: Set<string>,
): Uint8Array<ArrayBuffer> {
  const records: Uint8Array[] = []
  const named = ({ hash, code }: HashedCode): string => {
    const name = digest(code)
    if (written.has(name)) return name
    written.add(name)
    const rest = new Uint8Array(4 + codeBytes)
    new DataView(rest.buffer).setInt32(0, hash, true)
    rest.set(code, 4)
    records.push(recordOf(kinds.page, [rest], checksum))
    return name
  }
  const index: Index = {
    answers: answers.map((answer) => ({ root: answer.root, regions: answer.regions, code: named(answer) })),
    around: around.map(named),
  }
  const json = new TextEncoder().encode(JSON.stringify(index))
  const jsonBytes = new Uint8Array(4)
  new DataView(jsonBytes.buffer).setUint32(0, json.length, true)
  records.push(recordOf(kinds.batch, [jsonBytes, json, module], checksum))
  return joined(records)
}

function recordOf(kind: number, rest: readonly Uint8Array[], checksum: Sums['checksum']): Uint8Array {
  const record = joined([new Uint8Array(headerBytes), ...rest])
  const view = new DataView(record.buffer)
  view.setUint32(0, magic, true)
  view.setUint32(4, record.length - headerBytes, true)
  view.setUint32(12, kind, true)
  view.setUint32(8, checksum(record.subarray(12)), true)
  return record
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/**
 * The batches of a file, in order, without what is damaged. Their arrays are views of its bytes. `written` is given the
 * digests of the pages in it.
 */
export function* decodeBatches(
  file: Uint8Array<ArrayBuffer>,
  { checksum, digest }: Sums,
  written: Set<string>,
): Generator<CachedBatch> {
  const pages = new Map<string, HashedCode>()
  // Node's Buffer is one too, and its `slice` copies nothing.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.length)
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  for (let at = 0; at + headerBytes + 4 <= file.length; ) {
    const end = at + headerBytes + view.getUint32(at + 4, true)
    if (
      view.getUint32(at, true) !== magic ||
      end > file.length ||
      checksum(bytes.subarray(at + 12, end)) !== view.getUint32(at + 8, true)
    ) {
      at += 1
      continue
    }
    const rest = bytes.subarray(at + headerBytes, end)
    if (view.getUint32(at + 12, true) === kinds.page) {
      const code = rest.subarray(4)
      const name = digest(code)
      pages.set(name, { hash: view.getInt32(at + headerBytes, true), code })
      written.add(name)
    } else {
      const batch = decodeBatch(rest, pages)
      if (batch !== undefined) yield batch
    }
    at = end
  }
}

function decodeBatch(
  rest: Uint8Array<ArrayBuffer>,
  pages: ReadonlyMap<string, HashedCode>,
): CachedBatch | undefined {
  const moduleAt = 4 + new DataView(rest.buffer, rest.byteOffset).getUint32(0, true)
  // The checksum says that it is what `encodeBatch` wrote.
  const index = JSON.parse(new TextDecoder().decode(rest.subarray(4, moduleAt))) as Index
  const answers = index.answers.flatMap(({ root, regions, code }) => {
    const page = pages.get(code)
    return page === undefined ? [] : [{ root, regions, ...page }]
  })
  const around = index.around.flatMap((name) => pages.get(name) ?? [])
  const isWhole = answers.length === index.answers.length && around.length === index.around.length
  return isWhole ? { module: rest.subarray(moduleAt), answers, around } : undefined
}

/** Whether two runs of bytes, of the same length, are the same. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
