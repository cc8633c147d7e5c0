/**
 * Reader of the members of a Unix `ar` archive, the outer form of a Debian package, as a stream.
 * Why: a kernel package is over 100 MB; its members are passed on piece by piece and never held whole.
 * Invariants: a member's body is yielded exactly as long as its header says; members come in file order and
 * the one in hand must be read to its end (or skipped by asking for the next) before the next appears.
 * Errors: bytes that are no archive, or end too early, throw `MalformedPackage`; the caller of the package
 * reader turns that into a WorldError.
 * @spec deb "deb(5) format"
 */

import { ByteReader } from './byte-reader.ts'
import { MalformedPackage } from './malformed-package.ts'

/** One member: its name without padding or trailing slash, its length, and its bytes. */
export interface ArMember {
  readonly name: string
  readonly bytes: number
  readonly body: AsyncIterable<Uint8Array>
}

const magic = '!<arch>\n'
const headerBytes = 60
const latin1 = new TextDecoder('latin1')

/** The members of the archive in `source`, in order. */
export async function* readAr(source: AsyncIterable<Uint8Array>): AsyncGenerator<ArMember> {
  const reader = new ByteReader(source)
  if (latin1.decode(await reader.take(magic.length)) !== magic) {
    throw new MalformedPackage('it does not start as an ar archive does')
  }
  while (!(await reader.atEnd())) {
    const header = latin1.decode(await reader.take(headerBytes))
    const sizeText = header.slice(48, 58).trim()
    if (header.slice(58) !== '`\n' || !/^\d+$/.test(sizeText)) {
      throw new MalformedPackage('a member header is damaged')
    }
    const bytes = Number(sizeText)
    const body = reader.passOn(bytes)
    yield { name: header.slice(0, 16).trim().replace(/\/$/, ''), bytes, body }
    for await (const _ of body) {
      // What the caller left unread is skipped: the next header follows it.
    }
    if (bytes % 2 === 1 && !(await reader.atEnd())) await reader.take(1)
  }
}
