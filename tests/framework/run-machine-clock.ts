/** A monotonic clock with one origin on every thread of a process. */

/** Milliseconds since an origin that all threads of this machine share. */
export function sharedClock(): () => number {
  const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now()
  return () => performance.now() + offset
}
