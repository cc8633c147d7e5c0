/**
 * Debian's programs in the guest, this machine beside QEMU. All run one after the other in one machine, so that
 * its boot is paid once; the machines take turns, and each figure is a median over turns.
 */

import { type Guest, passed, qemuArguments, virgaArguments } from './guest.ts'
import { type Outcome, qemu, virga } from './machines.ts'
import { type Comparison, median } from './measure.ts'
import { benchPackages, type ProgramItem, type ProgramKind, programItems } from './program-items.ts'
import { programScript, readFigures } from './program-script.ts'

/** A program's figure on both machines. */
export interface ProgramComparison extends Comparison {
  readonly kind: ProgramKind
  /** How many times as fast as on QEMU, whichever way the figure counts. */
  readonly speed: number
}

/** The geometric mean of the speeds of one kind of program. */
export interface ProgramMean {
  readonly name: string
  readonly kind: ProgramKind
  readonly speed: number
}

/** What comes out, the means last. */
export type ProgramResult = ProgramComparison | ProgramMean

/** What is measured and how. */
export interface ProgramSetting {
  readonly directory: string
  readonly pairs: number
  readonly progress: (line: string) => void
  /** Runs `virga run` with these arguments. */
  readonly virgaRun: (...args: readonly string[]) => Promise<Outcome>
  /** Texts of which a program's name must have one; empty: all programs. */
  readonly only: readonly string[]
}

const imageName = 'bench'
const memoryMiB = 1024

/** Builds the image if it is not there, then measures. Throws where a program fails or gives no figure. */
export async function measurePrograms(setting: ProgramSetting): Promise<ProgramResult[]> {
  const { directory, pairs, progress, virgaRun, only } = setting
  const items = programItems.filter(
    ({ name }) => only.length === 0 || only.some((part) => name.includes(part)),
  )
  if (items.length === 0) throw new Error(`no program has ${only.join(' or ')} in its name`)
  await passed(virga('image', 'build', '--name', imageName, '--packages', benchPackages.join()))
  const guest: Guest = { image: imageName, memoryMiB, command: programScript(items) }
  const peerArguments = await qemuArguments(directory, guest)

  const turns: { ours: number[]; peer: number[] }[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const figures = async (machine: string, running: Promise<Outcome>): Promise<number[]> => {
      const outcome = await passed(running)
      const found = readFigures(items, outcome.stdout)
      progress(`programs ${pair + 1}/${pairs}: ${machine} took ${(outcome.wallMs / 1000).toFixed(0)} s`)
      return found
    }
    const ours = await figures('virga', virgaRun(...virgaArguments(guest)))
    turns.push({ ours, peer: await figures('qemu', qemu(...peerArguments)) })
  }
  const comparisons = items.map((item, index) => {
    const samples = {
      ours: turns.map(({ ours }) => ours[index] ?? Number.NaN),
      peer: turns.map(({ peer }) => peer[index] ?? Number.NaN),
    }
    return comparisonOf(item, samples)
  })
  return [...comparisons, ...meansOf(comparisons)]
}

/** One line of the table. */
export function programLine(result: ProgramResult): string {
  const { name, kind, speed } = result
  const figures =
    'ratio' in result
      ? `virga ${column(result.ours)}, qemu ${column(result.peer)} ${result.unit.padEnd(4)}`
      : ''
  return `${name.padEnd(22)} ${figures.padEnd(40)} ${speed.toFixed(2)} × qemu (${kind})`
}

function column(figure: number): string {
  return figure.toFixed(2).padStart(9)
}

function comparisonOf(item: ProgramItem, samples: Comparison['samples']): ProgramComparison {
  const { name, kind, unit = { name: 's', moreIsBetter: false } } = item
  const [ours, peer] = [median(samples.ours), median(samples.peer)]
  const ratio = ours / peer
  return {
    name,
    kind,
    unit: unit.name,
    ours,
    peer,
    ratio,
    speed: unit.moreIsBetter ? ratio : 1 / ratio,
    samples,
  }
}

function meansOf(comparisons: readonly ProgramComparison[]): ProgramMean[] {
  const kinds = [...new Set(comparisons.map(({ kind }) => kind))]
  return kinds.map((kind) => {
    const logs = comparisons.filter((each) => each.kind === kind).map(({ speed }) => Math.log(speed))
    const mean = Math.exp(logs.reduce((sum, each) => sum + each, 0) / logs.length)
    return { name: `mean of ${kind}`, kind, speed: mean }
  })
}
