/**
 * Which code is worth compiling though its page keeps changing: a guest that compiles, too, writes into the same page
 * again and again, and what is compiled of it may be stale before it has run.
 *
 * The first few changes of a page cost nothing. After that the code must stay the longer the more often it changed:
 * each further change doubles how often its places must get hot. At most that is some milliseconds of the
 * interpreter's work, about what compiling takes; so a page that changes all the time costs at most twice its time,
 * and one that settles is compiled soon after.
 */

/** Changes of a page that cost nothing, unless its maker says otherwise. */
const freeChangesUsual = 4
/** The longest wait doubles this often: 2¹⁰ × 254 arrivals. */
const doublingsMax = 10
/** Pages remembered at most; then all are forgotten, since most are frames that were used again long ago. */
const pagesMax = 2048

interface Page {
  hash: number
  /** of the decoded page; the same one means the same code */
  epoch: number
  changes: number
  /** places that got hot since the last change */
  hot: number
}

/** The pages of one thread. */
export class ChangingPages {
  readonly #pages = new Map<number, Page>()
  readonly #freeChanges: number

  constructor(freeChanges = freeChangesUsual) {
    this.#freeChanges = freeChanges
  }

  /**
   * A place of the page at `frame` got hot, before its code is looked at: is it still too early? The epoch is that of
   * the decoded page.
   */
  isTooEarly(frame: number, epoch: number): boolean {
    const page = this.#pages.get(frame)
    if (page === undefined || page.epoch !== epoch || page.hot + 1 >= this.#waitOf(page)) return false
    page.hot += 1
    return true
  }

  /** The same place, when its code turns out to have this hash and not to be compiled: is it time to? */
  isWorthwhile(frame: number, epoch: number, hash: number): boolean {
    const page = this.#pageAt(frame, hash)
    if (page.hash !== hash) {
      page.hash = hash
      page.changes += 1
      page.hot = 0
    }
    page.epoch = epoch
    page.hot += 1
    return page.hot >= this.#waitOf(page)
  }

  /** Whether its code changes so often that what was there before will not come back. */
  isRestless(frame: number): boolean {
    return (this.#pages.get(frame)?.changes ?? 0) > this.#freeChanges
  }

  #pageAt(frame: number, hash: number): Page {
    const known = this.#pages.get(frame)
    if (known !== undefined) return known
    if (this.#pages.size >= pagesMax) this.#pages.clear()
    const page = { hash, epoch: 0, changes: 0, hot: 0 }
    this.#pages.set(frame, page)
    return page
  }

  /** How often places of the page must get hot. */
  #waitOf({ changes }: Page): number {
    return 2 ** Math.min(Math.max(changes - this.#freeChanges, 0), doublingsMax)
  }
}
