/** What the image code asks of the world beyond the machine. */

import type { Sha256 } from './store.ts'

/** GET by the web's fetch, which every platform has; what stands between (proxies) is its giver's business. */
export type Fetch = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
) => Promise<Response>

/** Time. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number
  /** Calls `action` once, `delayMs` from now, unless the returned function is called before. */
  after(delayMs: number, action: () => void): () => void
}

/** The means to fetch. */
export interface Network {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly newSha256: () => Sha256
  /** How long a mirror may give no byte before it counts as stalled. */
  readonly stallMs: number
}

/** `stallMs` for who has no other wish. */
export const stallMsDefault = 30_000
