/**
 * Two harts beside one: the same program, one process a hart, on machines of one and of two harts in turn. What is counted
 * is work a second by the guest's clock, once the programs are warm.
 */

import { passed, virgaArguments } from './guest.ts'
import type { Outcome } from './machines.ts'
import { median } from './measure.ts'

const seconds = 8
const memoryMiB = 1024

/** What it needs of a benchmark's setting. */
export interface HartsSetting {
  readonly pairs: number
  readonly progress: (line: string) => void
  readonly virgaRun: (...args: readonly string[]) => Promise<Outcome>
}

/** How many times as much two harts do as one: an integer program of stress-ng's. */
export async function measureHarts({ pairs, progress, virgaRun }: HartsSetting) {
  const rate = async (harts: number): Promise<number> => {
    const command = `stress-ng --cpu ${harts} --cpu-method int64 --timeout ${seconds} --metrics-brief 2>&1`
    const guest = virgaArguments({ image: 'bench', memoryMiB, command })
    const { stdout } = await passed(virgaRun('--cpus', String(harts), ...guest))
    // Operations, and the seconds that they took.
    const [, operations, took] = / cpu +(\d+) +([\d.]+) /.exec(stdout) ?? []
    if (operations === undefined || took === undefined) throw new Error(`no figure in: ${stdout}`)
    return Number(operations) / Number(took)
  }
  const ratios: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const [one, two] = [await rate(1), await rate(2)]
    ratios.push(two / one)
    progress(`harts ${pair + 1}/${pairs}: one ${one.toFixed(0)}, two ${two.toFixed(0)} operations a second`)
  }
  return { name: 'harts', unit: '× one hart', value: median(ratios) }
}
