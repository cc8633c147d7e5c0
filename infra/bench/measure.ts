/** Paired measurements: two programs in alternation, so that what else the machine does hits both alike. */

/** One figure of one benchmark: medians, and their ratio (ours ÷ peer's). */
export interface Comparison {
  readonly name: string
  readonly unit: string
  readonly ours: number
  readonly peer: number
  readonly ratio: number
  readonly samples: { readonly ours: readonly number[]; readonly peer: readonly number[] }
}

/** Runs `ours` and `peer` in turn, `pairs` times, and gives medians. Each returns one figure. */
export async function compare(
  name: string,
  unit: string,
  pairs: number,
  ours: () => Promise<number>,
  peer: () => Promise<number>,
  progress: (line: string) => void,
): Promise<Comparison> {
  const samples = { ours: [] as number[], peer: [] as number[] }
  for (let pair = 0; pair < pairs; pair++) {
    samples.ours.push(await ours())
    samples.peer.push(await peer())
    progress(
      `${name} ${pair + 1}/${pairs}: virga ${format(samples.ours.at(-1))}, qemu ${format(samples.peer.at(-1))} ${unit}`,
    )
  }
  const [a, b] = [median(samples.ours), median(samples.peer)]
  return { name, unit, ours: a, peer: b, ratio: a / b, samples }
}

/** The middle value, or the mean of the two in the middle. Throws on an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) throw new Error('median of nothing')
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

function format(value: number | undefined): string {
  return (value ?? Number.NaN).toFixed(2)
}
