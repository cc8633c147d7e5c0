/**
 * What host and guest say over the port `virga.agent`, and how it is written.
 *
 * To the guest: `KIND SESSION BYTES\n`, then that many bytes. From the guest: a line, `KIND SESSION TEXT\n`, in which
 * output is base64.
 *
 *   to the guest                                   from the guest
 *   hello                    who is there?         hello     1 token     its version; another token: it began anew
 *   exec   sh text           begins a session      out, err  base64      what the command printed
 *   in     bytes             its standard input    ack       bytes       so much of `in` was taken
 *   end                      of standard input     exit      status      the session's last line
 *   kill   signal's name                           ready     key=value …  the machine is as its user wants it
 *
 * Why not the same both ways: the guest's side is a script of busybox's shell. It can take exactly so many bytes, but
 * cannot hold a zero byte, and it writes from several processes, of which each may die at any time: then a line is
 * torn, and the next one is whole again. Hence the host, which believes nothing it reads, finds its place again too.
 * Invariants: what is read is bounded in length, whatever comes; a line that is no message is a value, not an error.
 */

import { assert } from '@virga/base'

/** Version of the protocol. */
export const agentVersion = 1

/** Name of the virtio-console port. */
export const agentPortName = 'virga.agent'

/** Most bytes of output in one line: its base64 is 16 KiB, of the 32 KiB that Linux sends as one. */
export const outputBytesMax = 12_288

/** Longest line that is read, in bytes. */
export const lineBytesMax = 20_480

/** Most bytes that the host sends in one message. */
export const bodyBytesMax = 16_384

/** Most bytes of standard input of one session that are not acknowledged: half of what a FIFO of Linux holds. */
export const inputWindowBytes = 32_768

/** Greatest number of a session. Session 0 is the connection itself. */
export const sessionIdMax = 999_999_999

/** A message to the guest. */
export interface HostMessage {
  readonly kind: 'hello' | 'exec' | 'in' | 'end' | 'kill'
  readonly session: number
  /** At most `bodyBytesMax` bytes. */
  readonly body?: Uint8Array
}

/** A message from the guest. */
export type GuestMessage =
  | { readonly kind: 'hello'; readonly version: number; readonly token: string }
  | { readonly kind: 'ready'; readonly facts: ReadonlyMap<string, readonly string[]> }
  | { readonly kind: 'out' | 'err'; readonly session: number; readonly bytes: Uint8Array }
  | { readonly kind: 'ack'; readonly session: number; readonly byteCount: number }
  | { readonly kind: 'exit'; readonly session: number; readonly status: number }
  /** A line that is none of these: torn, too long, or not from our script. */
  | { readonly kind: 'malformed' }

/** The bytes of a message to the guest. */
export function encodeHostMessage({ kind, session, body = noBytes }: HostMessage): Uint8Array {
  assert(session >= 0 && session <= sessionIdMax, `session ${session} is in range`)
  assert(body.length <= bodyBytesMax, `a body of ${body.length} bytes is in bounds`)
  const header = new TextEncoder().encode(`${kind} ${session} ${body.length}\n`)
  const bytes = new Uint8Array(header.length + body.length)
  bytes.set(header)
  bytes.set(body, header.length)
  return bytes
}

const noBytes = new Uint8Array(0)
const newline = 0x0a

/** Cuts what a guest sends into messages. It keeps at most `lineBytesMax` bytes. */
export class GuestMessageReader {
  readonly #line = new Uint8Array(lineBytesMax)
  #length = 0
  #isTooLong = false

  /** The messages that `bytes` complete, in order. Empty lines are none. */
  read(bytes: Uint8Array): GuestMessage[] {
    const messages: GuestMessage[] = []
    let start = 0
    for (;;) {
      const end = bytes.indexOf(newline, start)
      this.#keep(bytes.subarray(start, end < 0 ? bytes.length : end))
      if (end < 0) return messages
      start = end + 1
      if (this.#isTooLong) messages.push({ kind: 'malformed' })
      else if (this.#length > 0) messages.push(parseLine(latin1.decode(this.#line.subarray(0, this.#length))))
      this.#length = 0
      this.#isTooLong = false
    }
  }

  #keep(part: Uint8Array): void {
    if (this.#length + part.length > lineBytesMax) this.#isTooLong = true
    if (this.#isTooLong) return
    this.#line.set(part, this.#length)
    this.#length += part.length
  }
}

const latin1 = new TextDecoder('latin1')

function parseLine(line: string): GuestMessage {
  const [, kind = '', id = '', text = ''] = /^([a-z]+) (\d{1,9}) ([ -~]*)$/.exec(line) ?? []
  const session = Number(id)
  switch (kind) {
    case 'out':
    case 'err': {
      const bytes = decodeBase64(text)
      return bytes === undefined ? { kind: 'malformed' } : { kind, session, bytes }
    }
    case 'ack':
      return /^\d{1,5}$/.test(text) ? { kind, session, byteCount: Number(text) } : { kind: 'malformed' }
    case 'exit':
      return /^\d{1,3}$/.test(text) ? { kind, session, status: Number(text) } : { kind: 'malformed' }
    case 'hello': {
      const [, version = '', token = ''] = /^(\d{1,9}) (\S{1,64})$/.exec(text) ?? []
      return token === '' ? { kind: 'malformed' } : { kind, version: Number(version), token }
    }
    case 'ready':
      return { kind, facts: parseFacts(text) }
    default:
      return { kind: 'malformed' }
  }
}

/** `key=value key=value`; a key may be there more than once. */
function parseFacts(text: string): ReadonlyMap<string, readonly string[]> {
  const facts = new Map<string, string[]>()
  for (const word of text.split(' ')) {
    const at = word.indexOf('=')
    if (at <= 0) continue
    const values = facts.get(word.slice(0, at)) ?? []
    values.push(word.slice(at + 1))
    facts.set(word.slice(0, at), values)
  }
  return facts
}

function decodeBase64(text: string): Uint8Array | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
