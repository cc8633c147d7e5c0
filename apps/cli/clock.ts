/** A monotonic clock with one origin for all threads of the process. */

// performance.now() is the cheaper call, but counts from each thread's own start.
const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** Milliseconds since an origin that every thread shares. */
export function now(): number {
  return performance.now() + offsetMs
}

/** When this process started, by `now`. Only right on the main thread. */
export const processStartMs = offsetMs
