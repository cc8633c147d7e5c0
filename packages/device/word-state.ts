/**
 * What is remembered in words of shared memory only, with the lifecycle, snapshot and restore that follow from that.
 *
 * Why: an access is served on the thread of the hart that made it, so each thread has its own object of a device, and
 * none of them may remember anything. With the state in one run of words, lifecycle, snapshot and restore are the same
 * for all devices and written here. What has a window on the bus is a `WordDevice`; what is found otherwise (a PCI
 * function) is only this.
 * Invariants: except for the constructor, everything is called with the machine's bus lock held or the harts stopped;
 * so the words are read and written without atomics (the lock orders them).
 */

import { assert, err, ok, type Result } from '@virga/base'
import {
  type Device,
  type DeviceState,
  type Snapshot,
  type SnapshotMismatch,
  stateNumbers,
  transitions,
} from './lifecycle.ts'
import type { WordLayout } from './word-layout.ts'

/** What has the state. */
export interface StateIdentity {
  /** unique in the machine */
  readonly name: string
  /** of its snapshots */
  readonly kind: string
  /** of its snapshots' layout, from 1 */
  readonly version: number
}

export abstract class WordState implements Device {
  readonly name: string
  private readonly identity: StateIdentity
  protected readonly words: Int32Array

  /** `words` is its own run of shared memory, exactly as long as its layout; zeroed by the machine once. */
  constructor(identity: StateIdentity, layout: WordLayout, words: Int32Array) {
    assert(words.length === layout.words, `${identity.name} gets ${layout.words} words`)
    this.identity = identity
    this.name = identity.name
    this.words = words
  }

  /** Fills in what is not zero in the cold state; the words are zero. */
  protected cold(): void {
    // Most devices are cold when their words are zero.
  }

  /** Drives the outgoing wires to what the state says: after each change of it, a reset and a restore. */
  protected drive(): void {
    // A device without wires has nothing to drive.
  }

  /** What is wrong with the (foreign) state now in the words, if anything. */
  protected defect(): string | undefined {
    return undefined
  }

  state(): DeviceState {
    return stateNumbers[this.get(0)] ?? 'halted'
  }

  start(): void {
    this.move('start')
    this.cold()
    this.drive()
  }

  async pause(): Promise<void> {
    this.move('pause')
  }

  resume(): void {
    this.move('resume')
  }

  reset(): void {
    this.move('reset')
    this.words.fill(0, 1)
    this.cold()
    this.drive()
  }

  halt(): void {
    this.move('halt')
  }

  snapshot(): Snapshot {
    this.move('snapshot')
    const state = new Int32Array(this.words.length - 1)
    state.set(this.words.subarray(1))
    return { kind: this.identity.kind, version: this.identity.version, state }
  }

  restore(snapshot: Snapshot): Result<void, SnapshotMismatch> {
    const { kind, version } = this.identity
    const bad = (reason: string) => err({ reason: `${this.name}: ${reason}` })
    if (snapshot.kind !== kind) return bad(`the snapshot is of a ${snapshot.kind}, not a ${kind}`)
    if (snapshot.version !== version)
      return bad(`the snapshot has version ${snapshot.version}, not ${version}`)
    const words = this.words.length - 1
    if (snapshot.state.length !== words)
      return bad(`the snapshot has ${snapshot.state.length} words, not ${words}`)
    const before = Int32Array.from(this.words)
    this.move('restore')
    this.words.set(snapshot.state, 1)
    const defect = this.defect()
    if (defect !== undefined) {
      this.words.set(before)
      return bad(defect)
    }
    this.drive()
    return ok(undefined)
  }

  /** Signed value of a word. */
  protected get(index: number): number {
    return this.words[index] as number
  }

  protected set(index: number, value: number): void {
    this.words[index] = value
  }

  private move(name: keyof typeof transitions): void {
    const from: readonly DeviceState[] = transitions[name].from
    assert(
      from.includes(this.state()),
      `${this.name}: ${name} is legal while ${from.join(' or ')}, not ${this.state()}`,
    )
    this.set(0, stateNumbers.indexOf(transitions[name].to))
  }
}
