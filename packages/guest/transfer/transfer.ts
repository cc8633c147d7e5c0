/**
 * GET of one file, watched: a mirror that falls silent must end in an error, never in a wait without end.
 *
 *   fetch ──▶ headers ──▶ piece ──▶ piece ──▶ end       each arrow within stallMs
 */

import { ok, type Result, worldError } from '@virga/base'
import type { Network } from './network.ts'

/** Takes each piece of the body; an error stops the transfer and is its result. */
export type PieceTaker = (piece: Uint8Array) => Promise<Result<void>>

/** How a transfer ended that nobody stopped: the server's end, or the connection's before it. */
export type TransferEnd = 'complete' | 'broken'

/** What a server may answer with a body (`bytes`: how long the file is, where it says), or that there is no such piece. */
export type Answer =
  | { readonly kind: 'whole'; readonly bytes: number | undefined }
  | { readonly kind: 'rest' }
  | { readonly kind: 'beyond-end' }

/** What to get. */
export interface TransferRequest {
  readonly url: string
  /** Ask for the file from this byte on; the server may give the whole file all the same. */
  readonly fromByte: number
  /** Called once, before the first piece, to say which of the two it is; an error stops the transfer. */
  readonly begin: (answer: Answer) => Promise<Result<void>>
  readonly take: PieceTaker
}

/** Gets `url`. An error says what the mirror did; a connection that broke off is no error but `broken`. */
export async function transfer(request: TransferRequest, network: Network): Promise<Result<TransferEnd>> {
  const { url, fromByte } = request
  const watch = new StallWatch(network)
  let response: Response
  try {
    // Packed on the way, bytes would not count as they do in the file.
    const range = fromByte > 0 ? { range: `bytes=${fromByte}-` } : {}
    const headers = { 'accept-encoding': 'identity', ...range }
    response = await watch.within(network.fetch(url, { headers, signal: watch.signal }))
  } catch (cause) {
    return watch.stalled
      ? stalled(url, network)
      : worldError(`cannot reach the mirror for ${url}: ${reason(cause)}`, cause)
  }
  try {
    const answer = answerOf(response, fromByte)
    if (answer === undefined) return refused(url, response.status)
    const begun = await request.begin(answer)
    if (!begun.ok || answer.kind === 'beyond-end') return begun.ok ? ok('complete') : begun
    return await takePieces(request, response, watch, network)
  } finally {
    // Ends the connection when its body was not read to the end; a finished one does not notice.
    watch.end()
  }
}

async function takePieces(
  { url, take }: TransferRequest,
  response: Response,
  watch: StallWatch,
  network: Network,
): Promise<Result<TransferEnd>> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ok('complete')
  for (;;) {
    let piece: Uint8Array | undefined
    try {
      piece = (await watch.within(reader.read())).value
    } catch {
      return watch.stalled ? stalled(url, network) : ok('broken')
    }
    if (piece === undefined) return ok('complete')
    const taken = await take(piece)
    if (!taken.ok) return taken
  }
}

function answerOf({ status, headers }: Response, fromByte: number): Answer | undefined {
  if (status === 200) {
    const length = headers.has('content-encoding') ? null : headers.get('content-length')
    return { kind: 'whole', bytes: length === null ? undefined : Number(length) }
  }
  if (status === 416 && fromByte > 0) return { kind: 'beyond-end' }
  const startsThere = headers.get('content-range')?.startsWith(`bytes ${fromByte}-`) === true
  return status === 206 && startsThere ? { kind: 'rest' } : undefined
}

function refused(url: string, status: number): Result<never> {
  if (status === 404) {
    return worldError(`the mirror has no ${url}; is it a complete Debian archive, with trixie and riscv64?`)
  }
  return worldError(
    `the mirror answered ${url} with HTTP status ${status}; try again later or use another mirror`,
  )
}

function stalled(url: string, { stallMs }: Network): Result<never> {
  const seconds = Math.round(stallMs / 100) / 10
  return worldError(
    `the mirror gave no byte of ${url} for ${seconds} s; run again to go on, or use another mirror`,
  )
}

/** The innermost cause that fetch gives, such as ECONNREFUSED, on one line. */
function reason(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  if (!(inner instanceof Error)) return String(inner)
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : ''
  return (inner.message || code || inner.name).split('\n', 1)[0] ?? ''
}

/** Aborts the connection when a step takes longer than `stallMs`. */
class StallWatch {
  readonly #controller = new AbortController()
  readonly #network: Network
  stalled = false

  constructor(network: Network) {
    this.#network = network
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  async within<T>(step: Promise<T>): Promise<T> {
    const { clock, stallMs } = this.#network
    let cancel = (): void => undefined
    const expired = new Promise<never>((_, reject) => {
      cancel = clock.after(stallMs, () => {
        this.stalled = true
        reject(new Error('stalled'))
        this.#controller.abort()
      })
    })
    try {
      return await Promise.race([step, expired])
    } finally {
      cancel()
    }
  }

  end(): void {
    this.#controller.abort()
  }
}
