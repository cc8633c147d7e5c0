/**
 * Which hart a pCPU runs next. A pure choice, apart from the loop that carries it out.
 * Why: a gang scheduler replaces this file; nothing else knows the policy (round robin).
 */

/** Harts of pCPU `pcpu`: hart h is run by pCPU h mod `pcpuCount`. */
export function hartsOf(pcpu: number, pcpuCount: number, hartCount: number): number[] {
  const harts: number[] = []
  for (let hart = pcpu; hart < hartCount; hart += pcpuCount) harts.push(hart)
  return harts
}

/** The pCPU that runs `hart`. */
export function pcpuOf(hart: number, pcpuCount: number): number {
  return hart % pcpuCount
}

/** Index of the next runnable entry after `last` in a ring of `count`, `last` itself coming last; -1 when none is. */
export function nextRunnable(count: number, last: number, runnable: (index: number) => boolean): number {
  for (let step = 1; step <= count; step++) {
    const index = (last + step) % count
    if (runnable(index)) return index
  }
  return -1
}
