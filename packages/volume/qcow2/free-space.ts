/**
 * Which clusters may be taken. Not those with a count, nor those that are *held*:
 *
 * - freed since the last commit: the file, as it is, still refers to them;
 * - the spare place of a table in memory.
 *
 * Invariant: what is taken is nothing that the header of the file on the disk leads to. So writing there before a
 * commit changes nothing that is there after a crash.
 */

/** Clusters by number. */
export class FreeSpace {
  /** clusters of the file, those included that are to be written; beyond, all is free and zero */
  fileClusters: number
  readonly #freed = new Set<number>()
  readonly #spares = new Set<number>()
  readonly #count: (cluster: number) => number
  /** below it nothing is free */
  #lowest = 0
  /** below it nothing is taken */
  #floor = 0
  #lowestFreed = Number.POSITIVE_INFINITY

  /** `count` gives a cluster's reference count as it will be after the next commit. */
  constructor(fileClusters: number, count: (cluster: number) => number) {
    this.fileClusters = fileClusters
    this.#count = count
  }

  /** How many are held because they were freed. */
  get freedCount(): number {
    return this.#freed.size
  }

  /** Takes nothing below the end of the file any more. */
  onlyAppend(): void {
    this.#floor = this.fileClusters
    this.#lowest = this.#floor
  }

  /** Finds up to `max` free clusters in a row, at least one, and counts the file as that long. */
  find(max: number): { first: number; count: number } {
    while (!this.#isFree(this.#lowest)) this.#lowest += 1
    const first = this.#lowest
    let count = 1
    while (count < max && this.#isFree(first + count)) count += 1
    this.#lowest = first + count
    this.fileClusters = Math.max(this.fileClusters, first + count)
    return { first, count }
  }

  /** Finds exactly `count` free clusters in a row, and counts the file as that long. */
  findAll(count: number): number {
    let first = this.#lowest
    let found = 0
    while (found < count) {
      if (this.#isFree(first + found)) found += 1
      else {
        first += found + 1
        found = 0
      }
    }
    if (first === this.#lowest) this.#lowest += count
    this.fileClusters = Math.max(this.fileClusters, first + count)
    return first
  }

  #isFree(cluster: number): boolean {
    if (cluster >= this.fileClusters) return true
    return this.#count(cluster) === 0 && !this.#freed.has(cluster) && !this.#spares.has(cluster)
  }

  /** Holds a cluster whose count has become zero until the next commit. */
  freed(cluster: number): void {
    this.#freed.add(cluster)
    this.#lowestFreed = Math.min(this.#lowestFreed, cluster)
  }

  /** A cluster that was taken after the last commit, and is not wanted: free at once. */
  untaken(cluster: number): void {
    this.#lower(cluster)
  }

  /** Holds a cluster as a table's spare place. */
  hold(cluster: number): void {
    this.#spares.add(cluster)
  }

  /** Lets go of a spare place: to be used by the table, or by anybody. */
  release(cluster: number): void {
    this.#spares.delete(cluster)
    this.#lower(cluster)
  }

  /** The commit is made: what was freed before it is free. */
  settled(): void {
    this.#freed.clear()
    this.#lower(this.#lowestFreed)
    this.#lowestFreed = Number.POSITIVE_INFINITY
  }

  #lower(cluster: number): void {
    this.#lowest = Math.max(this.#floor, Math.min(this.#lowest, cluster))
  }

  /** Clusters up to the last one that is in use or held. */
  usedClusters(): number {
    let end = this.fileClusters
    while (end > 0 && this.#isFree(end - 1)) end -= 1
    return end
  }
}
