/** A monotonic clock with one origin for all threads of the process. */

/** Pairs of readings that the offset is measured by. The first ones run before V8 has made code of the calls. */
const samples = 1000

/**
 * What `performance.now()` counts from on this thread, by the clock that all threads share. A thread may lose its core
 * between two readings, for milliseconds: a pair only says between which bounds the offset lies, and the closest of
 * many pairs leave some tens of nanoseconds. Harts on two threads that part by more would see time run backwards.
 */
function measureOffsetMs(): number {
  let [least, most] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  let shared = Number(process.hrtime.bigint()) / 1e6
  for (let sample = 0; sample < samples; sample++) {
    const own = performance.now()
    least = Math.max(least, shared - own)
    shared = Number(process.hrtime.bigint()) / 1e6
    most = Math.min(most, shared - own)
  }
  return (least + most) / 2
}

// performance.now() is the cheaper call, but counts from each thread's own start.
const offsetMs = measureOffsetMs()

/** Milliseconds since an origin that every thread shares. */
export function now(): number {
  return performance.now() + offsetMs
}

/** When this process started, by `now`. Only right on the main thread. */
export const processStartMs = offsetMs
