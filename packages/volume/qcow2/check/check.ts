/**
 * Whether an image is sound: each cluster is counted as often as it is referred to, whole clusters are referred to
 * once, entries lead into the file and say rightly whether a count is one.
 *
 * What is wrong is one of three:
 *
 * - a *leak*: counted too high. Space is lost, nothing else.
 * - *miscounted*: counted too low, or an entry's flag says otherwise. The data is all there, but a write could take
 *   its place. Both of these can be repaired from the references.
 * - *damage*: references that cannot all be right. Nobody knows which are.
 *
 * @spec qcow2 "Host cluster management"
 */

import type { Qcow2Image } from '../image.ts'
import {
  type ImageTables,
  type Referrer,
  referrerText,
  type Walker,
  walk,
  windowClusters,
} from './references.ts'

/** What a check found. */
export interface CheckReport {
  /** clusters of the file, and those of them that something refers to */
  readonly clusters: number
  readonly usedClusters: number
  /** clusters that are counted and not used, or counted too high */
  readonly leaks: number
  /** clusters that are counted too low, or whose entry is flagged wrongly */
  readonly miscounted: number
  /** references that cannot be right */
  readonly damages: number
  /** the first of what is wrong, a line each */
  readonly findings: readonly string[]
}

/** What is counted wrongly, of one window. */
export interface Corrections {
  /** clusters, and what their counts have to be */
  readonly counts: ReadonlyMap<number, number>
  /** entries that have to say that their count is one: of L2 tables, or with `l2` -1 of the L1 table */
  readonly flags: readonly { readonly l1: number; readonly l2: number }[]
}

/** More lines nobody reads. */
const findingsMax = 20
/** In a count of the window: a reference to all of the cluster, which may be the only one. */
const whole = 0x8000
const countMask = 0x7fff
/** Corrections that are remembered of a window; a repair looks again after them. */
const correctionsMax = 2 ** 16

/**
 * Checks an image that is open for writing. `progress` is told how far it is, of 1. `correct` is given what can be
 * corrected after each window, if nothing is damaged, and may commit; it returns whether to look at the window again.
 */
export function check(
  image: Qcow2Image,
  progress: (part: number) => void = () => undefined,
  correct: (corrections: Corrections) => boolean = () => false,
): CheckReport {
  const report = new Report()
  const clusters = image.fileClusters
  for (let first = 0; first < image.fileClusters; first += windowClusters) {
    const window = new Window(image, first, report)
    window.look()
    while (report.damages === 0 && window.hasCorrections && correct(window)) {
      report.isAgain = true
      window.look()
      report.isAgain = false
    }
    progress(Math.min(1, (first + windowClusters) / image.fileClusters))
  }
  return { ...report.numbers(), clusters }
}

/** What has been found so far. */
class Report {
  usedClusters = 0
  leaks = 0
  miscounted = 0
  damages = 0
  /** whether a window is looked at that was counted already */
  isAgain = false
  readonly #findings: string[] = []

  add(kind: 'leaks' | 'miscounted' | 'damages', line: string): void {
    if (this.isAgain) return
    this[kind] += 1
    if (this.#findings.length < findingsMax) this.#findings.push(line)
  }

  numbers(): Omit<CheckReport, 'clusters'> {
    const { usedClusters, leaks, miscounted, damages } = this
    return { usedClusters, leaks, miscounted, damages, findings: this.#findings }
  }
}

/** The clusters of the file from `first` on, as many as are counted at a time. */
class Window implements Walker, Corrections {
  counts = new Map<number, number>()
  flags: { l1: number; l2: number }[] = []
  readonly #image: Qcow2Image
  readonly #first: number
  readonly #report: Report
  #counted: Uint16Array = new Uint16Array(0)

  constructor(image: Qcow2Image, first: number, report: Report) {
    this.#image = image
    this.#first = first
    this.#report = report
  }

  get hasCorrections(): boolean {
    return this.counts.size > 0 || this.flags.length > 0
  }

  /** Counts, and compares with the image's counts. */
  look(): void {
    const clusters = Math.min(windowClusters, this.#image.fileClusters - this.#first)
    this.#counted = new Uint16Array(clusters)
    this.counts = new Map()
    this.flags = []
    walk(tablesOf(this.#image), this)
    for (let index = 0; index < clusters; index++) {
      const references = (this.#counted[index] ?? 0) & countMask
      if (references > 0 && !this.#report.isAgain) this.#report.usedClusters += 1
      // Where references are wrong, counts that differ from them say nothing; and blocks of them may be nowhere.
      if (this.#report.damages === 0) this.#compare(this.#first + index, references)
    }
  }

  refers(first: number, clusters: number, isWhole: boolean, by: Referrer, referrer: number): void {
    const end = Math.min(first + clusters - this.#first, this.#counted.length)
    for (let index = Math.max(0, first - this.#first); index < end; index++) {
      const counted = this.#counted[index] ?? 0
      const isUsed = (counted & countMask) > 0
      if (isUsed && (isWhole || (counted & whole) !== 0)) {
        const what = referrerText(by, referrer)
        this.#report.add('damages', `${what} is at cluster ${this.#first + index}, which is used already`)
      }
      const count = Math.min(countMask, (counted & countMask) + 1)
      this.#counted[index] = (counted & whole) | count | (isWhole ? whole : 0)
    }
  }

  /** Wrong, since a whole cluster that is used twice is damage anyway. */
  deniesOne(cluster: number, l1: number, l2: number, by: Referrer, referrer: number): void {
    if (cluster < this.#first || cluster >= this.#first + this.#counted.length) return
    this.#report.add('miscounted', `${referrerText(by, referrer)} is not said to be counted once, and is`)
    if (this.flags.length < correctionsMax) this.flags.push({ l1, l2 })
  }

  wrong(what: string): void {
    // It is found in the walk of every window.
    if (this.#first === 0) this.#report.add('damages', what)
  }

  #compare(cluster: number, references: number): void {
    const count = this.#image.counts.get(cluster)
    if (count === references) return
    if (count > references) {
      this.#report.add('leaks', `cluster ${cluster} is counted ${count} times, and used ${references} times`)
    } else {
      this.#report.add(
        'miscounted',
        `cluster ${cluster} is counted ${count} times, and used ${references} times`,
      )
    }
    if (this.counts.size < correctionsMax) this.counts.set(cluster, references)
  }
}

function tablesOf({ file, header, geometry, l1, counts }: Qcow2Image): ImageTables {
  return { file, version: header.version, geometry, l1, refcountTable: counts.table }
}
