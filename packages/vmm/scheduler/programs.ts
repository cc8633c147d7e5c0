/**
 * What simulated harts do: steps, one after the other, without end.
 * Why: schedulers differ by how harts wait for each other, so the ways of waiting are what these differ in.
 */

import type { RandomWord } from '@virga/base'

/** One thing that a hart does. Times are of the hart, in milliseconds, while it runs. */
export type Step =
  | { readonly kind: 'compute'; readonly ms: number }
  /** waits for all harts of its machine: spins for `spinMs`, then sleeps (WFI) until the last has come */
  | { readonly kind: 'barrier'; readonly spinMs: number }
  /** sleeps (WFI) for `ms` of real time */
  | { readonly kind: 'sleep'; readonly ms: number }
  /** takes the machine's one lock, spinning while another hart has it, and holds it for `ms` */
  | { readonly kind: 'lock'; readonly ms: number }

/** Steps of one hart, made up by chance. Never ends. */
export type Program = (random: RandomWord, hart: number) => Iterator<Step, never>

/** Computes, and waits for nobody. */
export function computing(): Program {
  return function* () {
    for (;;) yield { kind: 'compute', ms: 1000 }
  }
}

/** Computes for about `workMs` (half to one and a half times), then waits for its siblings. */
export function barrierBound(workMs: number, spinMs = Number.POSITIVE_INFINITY): Program {
  return function* (random) {
    for (;;) {
      yield { kind: 'compute', ms: workMs * (0.5 + random() / 2 ** 32) }
      yield { kind: 'barrier', spinMs }
    }
  }
}

/** Computes for about `workMs`, then sleeps for about `sleepMs`. */
export function sleeping(workMs: number, sleepMs: number): Program {
  return function* (random) {
    for (;;) {
      yield { kind: 'compute', ms: workMs * (0.5 + random() / 2 ** 32) }
      yield { kind: 'sleep', ms: sleepMs * (0.5 + random() / 2 ** 32) }
    }
  }
}

/** Computes for about `workMs`, then holds the machine's lock for `holdMs`. */
export function locking(workMs: number, holdMs: number): Program {
  return function* (random) {
    for (;;) {
      yield { kind: 'compute', ms: workMs * (0.5 + random() / 2 ** 32) }
      yield { kind: 'lock', ms: holdMs }
    }
  }
}
