/**
 * How a machine ended. Why: any pCPU may end it (power off, reset, a failure), the owner must learn of exactly one
 * end, and the reason must fit in two words of shared memory.
 */

import { outcomeKind } from './machine-block.ts'

/** The end of a machine. `status` is an exit status, 0..255; `message` is one line for the user. */
export type Outcome =
  | { readonly kind: 'power-off'; readonly status: number }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'stopped' }

/** Failures that the machine itself detects, by code. */
export const failures = {
  1: 'the machine stopped: its host memory is used up; start it with a smaller --memory or more host memory',
  2: 'the machine stopped: a pCPU thread ended unexpectedly; this is a defect of Virga, please report it',
  3: 'the machine stopped: its I/O thread ended unexpectedly; this is a defect of Virga, please report it',
} as const

/** A code of `failures`. */
export type FailureCode = keyof typeof failures

/** Code for running out of frames. */
export const outOfFrames: FailureCode = 1

/** Code for the loss of a pCPU thread. */
export const pcpuLost: FailureCode = 2

/** Code for the loss of the I/O thread. */
export const ioLost: FailureCode = 3

/** The two words of an outcome; null for none. */
export function decodeOutcome(kind: number, status: number): Outcome | null {
  switch (kind) {
    case outcomeKind.powerOff:
      return { kind: 'power-off', status }
    case outcomeKind.reboot:
      return { kind: 'reboot' }
    case outcomeKind.failed:
      return { kind: 'failed', message: failures[status as FailureCode] ?? failures[outOfFrames] }
    case outcomeKind.stopped:
      return { kind: 'stopped' }
    default:
      return null
  }
}
