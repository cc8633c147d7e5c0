/**
 * A hash table of fixed records over 32-bit words, for state that several threads see: connections, translations,
 * learned addresses. Memory of zeros is an empty table, so whoever has the words has the table.
 *
 *   [free] [used] [count] [hand] │ heads: a word a bucket │ records: next, generation, key …, value …
 *
 * References are indexes from 0; inside, a word of 0 means none, so they are stored plus 1. A record that is removed
 * changes its generation: who remembers (index, generation) knows whether it is still the same.
 *
 * Invariants: one thread at a time (the caller holds the network's lock). Chains are as long as chance makes them, since
 * the hash has a secret seed; a table is never more than full.
 */
import { assert } from '@virga/base'

/** What a table is made for. `capacity` is a power of two. */
export interface TableShape {
  readonly capacity: number
  readonly keyWords: number
  readonly valueWords: number
}

const control = { free: 0, used: 1, count: 2, hand: 3 } as const
const controlWords = 4
const recordHead = 2

/** Words that a table of `shape` takes. */
export function tableWords({ capacity, keyWords, valueWords }: TableShape): number {
  return controlWords + capacity + capacity * (recordHead + keyWords + valueWords)
}

export class KeyTable {
  readonly capacity: number
  /** the key to find or insert: filled in by the caller */
  readonly probe: Int32Array
  private readonly words: Int32Array
  private readonly keyWords: number
  private readonly recordWords: number
  private readonly recordsAt: number
  private readonly seed: number

  /** A table over `words`, which are `tableWords(shape)` and were zeros at first. `seed` is random and the same for all. */
  constructor(words: Int32Array, shape: TableShape, seed: number) {
    const { capacity, keyWords, valueWords } = shape
    assert(capacity > 0 && (capacity & (capacity - 1)) === 0, 'a table holds a power of two of records')
    assert(words.length === tableWords(shape), 'the words are as many as the table takes')
    this.words = words
    this.capacity = capacity
    this.keyWords = keyWords
    this.recordWords = recordHead + keyWords + valueWords
    this.recordsAt = controlWords + capacity
    this.seed = seed | 0
    this.probe = new Int32Array(keyWords)
  }

  /** Records in the table. */
  get count(): number {
    return this.words[control.count] as number
  }

  /** The index of the record with the key in `probe`, or -1. */
  find(): number {
    const { words, probe, keyWords } = this
    for (let next = words[this.bucketAt()] as number; next !== 0; ) {
      const at = this.recordAt(next - 1)
      let same = 0
      while (same < keyWords && words[at + recordHead + same] === probe[same]) same++
      if (same === keyWords) return next - 1
      next = words[at] as number
    }
    return -1
  }

  /** Adds a record with the key in `probe`, which is not there yet, and value words 0; -1 when the table is full. */
  insert(): number {
    const { words, probe, keyWords } = this
    let index = (words[control.free] as number) - 1
    if (index >= 0) words[control.free] = words[this.recordAt(index)] as number
    else {
      index = words[control.used] as number
      if (index === this.capacity) return -1
      words[control.used] = index + 1
    }
    const at = this.recordAt(index)
    const bucket = this.bucketAt()
    words[at] = words[bucket] as number
    words[bucket] = index + 1
    for (let i = 0; i < keyWords; i++) words[at + recordHead + i] = probe[i] as number
    words.fill(0, at + recordHead + keyWords, at + this.recordWords)
    words[control.count] = this.count + 1
    // Even generations are free records, odd ones are live.
    words[at + 1] = (words[at + 1] as number) + 1
    return index
  }

  /** Removes the live record `index`. Overwrites `probe`. */
  remove(index: number): void {
    const { words, probe, keyWords } = this
    const at = this.recordAt(index)
    for (let i = 0; i < keyWords; i++) probe[i] = words[at + recordHead + i] as number
    let link = this.bucketAt()
    while (words[link] !== index + 1) {
      assert(words[link] !== 0, 'a live record is in the chain of its key')
      link = this.recordAt((words[link] as number) - 1)
    }
    words[link] = words[at] as number
    words[at] = words[control.free] as number
    words[control.free] = index + 1
    words[control.count] = this.count - 1
    words[at + 1] = (words[at + 1] as number) + 1
  }

  /** Changes whenever the record is taken or given up; odd while it is live. */
  generation(index: number): number {
    return this.words[this.recordAt(index) + 1] as number
  }

  /** Whether the record is in the table. */
  isLive(index: number): boolean {
    return (this.generation(index) & 1) === 1
  }

  /** Word `field` of the record's key. */
  key(index: number, field: number): number {
    return this.words[this.recordAt(index) + recordHead + field] as number
  }

  /** Word `field` of the record's value. */
  get(index: number, field: number): number {
    return this.words[this.recordAt(index) + recordHead + this.keyWords + field] as number
  }

  /** Sets word `field` of the record's value. */
  set(index: number, field: number, value: number): void {
    this.words[this.recordAt(index) + recordHead + this.keyWords + field] = value
  }

  /** The next record to look at in a sweep that goes round for ever, live or not; -1 when none was ever used. */
  nextInSweep(): number {
    const used = this.words[control.used] as number
    if (used === 0) return -1
    const hand = (this.words[control.hand] as number) % used
    this.words[control.hand] = hand + 1
    return hand
  }

  private recordAt(index: number): number {
    return this.recordsAt + index * this.recordWords
  }

  private bucketAt(): number {
    const { probe, keyWords } = this
    let hash = this.seed
    for (let i = 0; i < keyWords; i++) {
      hash = Math.imul(hash ^ (probe[i] as number), 0x9e37_79b1)
      hash ^= hash >>> 15
    }
    return controlWords + ((hash ^ (hash >>> 12)) & (this.capacity - 1))
  }
}
