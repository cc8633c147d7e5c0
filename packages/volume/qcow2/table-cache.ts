/**
 * The tables of one kind that are in memory: a bounded number of those that the file has too, least recently used out
 * first, and all that are changed. Whoever changes tables commits before those are too many.
 */

import type { Table } from './table.ts'

/** Tables by index. */
export class TableCache {
  readonly #tables = new Map<number, Table>()
  readonly #changed = new Set<Table>()
  readonly #tablesMax: number
  readonly #evicted: (table: Table) => void
  #latest: Table | undefined

  /** Holds `tablesMax`; `evicted` hears of each table that is let go. */
  constructor(tablesMax: number, evicted: (table: Table) => void) {
    this.#tablesMax = tablesMax
    this.#evicted = evicted
  }

  /** The changed ones. They stay until `settled`. */
  get changed(): ReadonlySet<Table> {
    return this.#changed
  }

  /** All that are in memory. */
  get all(): Iterable<Table> {
    return this.#tables.values()
  }

  /** Whether half of the room is taken by changed tables. */
  get isBusy(): boolean {
    return this.#changed.size * 2 >= this.#tablesMax
  }

  /** The table, if it is in memory. */
  get(index: number): Table | undefined {
    if (this.#latest?.index === index) return this.#latest
    const table = this.#tables.get(index)
    if (table === undefined) return undefined
    this.#tables.delete(index)
    this.#tables.set(index, table)
    this.#latest = table
    return table
  }

  /** Takes a table in, and lets one go for it. */
  add(table: Table): void {
    for (const [index, old] of this.#tables) {
      if (this.#tables.size < this.#tablesMax) break
      if (this.#changed.has(old)) continue
      this.#tables.delete(index)
      this.#evicted(old)
    }
    this.#tables.set(table.index, table)
    this.#latest = table
  }

  /** Keeps a table until the next commit. */
  noteChanged(table: Table): void {
    this.#changed.add(table)
  }

  /** The commit is made. */
  settled(): void {
    this.#changed.clear()
  }

  /** Forgets a table that nothing is going to refer to. */
  drop(table: Table): void {
    this.#tables.delete(table.index)
    this.#changed.delete(table)
    if (this.#latest === table) this.#latest = undefined
  }
}
