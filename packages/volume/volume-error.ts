/**
 * What a disk image or its file did wrong. It is thrown inside this package, because a read of a disk has no other way
 * out of ten calls; the front door's functions make a `Result` of it. A device that reads and writes catches it and
 * tells its guest of an I/O error.
 */

import { err, type Fault, ok, type Result } from '@virga/base'

/** `message` is one line that says which file, what is wrong with it, and what to do. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError'
  /** whose mistake: the world's, such as a damaged image, or the user's, such as a size that cannot be */
  readonly fault: Fault

  constructor(message: string, { fault = 'world', cause }: { fault?: Fault; cause?: unknown } = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.fault = fault
  }
}

/** What `work` returns, or the `VolumeError` that it throws, as a Result. Other errors are defects, and thrown on. */
export function attempt<T>(work: () => T): Result<T> {
  try {
    return ok(work())
  } catch (error) {
    if (!(error instanceof VolumeError)) throw error
    const { fault, message, cause } = error
    return err({ fault, message, ...(cause === undefined ? {} : { cause }) })
  }
}
