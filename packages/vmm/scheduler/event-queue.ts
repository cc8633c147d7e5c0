/** Events by time, and those of one time in the order they were put: a binary heap. */

/** What is to happen, when. */
interface Entry<T> {
  readonly at: number
  readonly turn: number
  readonly event: T
}

/** See the head of this file. */
export class EventQueue<T> {
  readonly #heap: Entry<T>[] = []
  #turn = 0

  /** When the next event is due; Infinity when there is none. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  put(at: number, event: T): void {
    const heap = this.#heap
    const entry = { at, turn: this.#turn++, event }
    let hole = heap.length
    heap.push(entry)
    while (hole > 0) {
      const above = (hole - 1) >> 1
      const parent = heap[above] as Entry<T>
      if (before(parent, entry)) break
      heap[hole] = parent
      hole = above
    }
    heap[hole] = entry
  }

  /** Takes the next event; undefined when there is none. */
  take(): T | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first?.event
    let hole = 0
    for (;;) {
      let below = 2 * hole + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && before(heap[below + 1] as Entry<T>, heap[below] as Entry<T>)) below++
      const child = heap[below] as Entry<T>
      if (before(last, child)) break
      heap[hole] = child
      hole = below
    }
    heap[hole] = last
    return first.event
  }
}

function before<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.turn < b.turn)
}
