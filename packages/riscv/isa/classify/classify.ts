/**
 * Popek and Goldberg's definitions, applied to observations.
 *
 * * *privileged*: traps in user mode in every state, and in a supervisor mode in some state it does not.
 * * *control sensitive*: in some state it changes resources, without trapping.
 * * *behaviour sensitive*: what it computes differs between states that differ in resources or mode alone.
 *
 * The definitions leave memory traps aside, and so does this: which addresses are mapped is the monitor's business.
 */

import { computedSame, type Observation, observe } from './experiment.ts'
import type { Subject, Trial } from './subject.ts'
import { type Mode, type Traps, type Variation, variations } from './world.ts'

/** How often an instruction traps in a mode. `none`: it was never tried there without a memory trap. */
export type TrapHabit = 'always' | 'sometimes' | 'never' | 'none'

/** What was seen of a subject in one mode. */
export interface ModeProfile {
  readonly traps: TrapHabit
  /** resources that it changed */
  readonly changes: readonly string[]
  /** variations that made a difference to its results */
  readonly dependsOn: readonly string[]
}

/** What was seen of a subject on one kind of hart, with one setting of the monitor's traps. */
export interface Profile {
  readonly modes: ReadonlyMap<Mode, ModeProfile>
  /** its results differ between U, S and M */
  readonly dependsOnMode: boolean
}

type Results = ReadonlyMap<Mode, ReadonlyMap<Variation, Observation>>

function tryEverywhere(trial: Trial, hypervisor: boolean, traps: Traps): Results {
  const modes: readonly Mode[] = hypervisor ? ['U', 'S', 'M', 'VU', 'VS'] : ['U', 'S', 'M']
  return new Map(
    modes.map((mode) => [
      mode,
      new Map(
        variations.map((variation) => [variation, observe(trial, { mode, traps, variation, hypervisor })]),
      ),
    ]),
  )
}

function differ(a: Observation | undefined, b: Observation | undefined): boolean {
  return a?.kind === 'done' && b?.kind === 'done' && !computedSame(a.processor, b.processor)
}

function habit(observations: readonly Observation[]): TrapHabit {
  const decided = observations.filter(({ kind }) => kind !== 'memory trap')
  const traps = decided.filter(({ kind }) => kind === 'trap').length
  if (decided.length === 0) return 'none'
  return traps === decided.length ? 'always' : traps === 0 ? 'never' : 'sometimes'
}

/** Gathers what the trials of a subject showed in one mode. */
class ModeRecord {
  private readonly habits = new Set<TrapHabit>()
  private readonly changes = new Set<string>()
  private readonly dependsOn = new Set<string>()

  add(byVariation: ReadonlyMap<Variation, Observation>): void {
    this.habits.add(habit([...byVariation.values()]))
    for (const [variation, observation] of byVariation) {
      if (observation.kind === 'done') for (const name of observation.changed) this.changes.add(name)
      if (differ(byVariation.get('base'), observation)) this.dependsOn.add(variation)
    }
  }

  profile(): ModeProfile {
    const [only = 'none', ...others] = [...this.habits].filter((each) => each !== 'none')
    return {
      traps: others.length === 0 ? only : 'sometimes',
      changes: [...this.changes].sort(),
      dependsOn: [...this.dependsOn].sort(),
    }
  }
}

/** Tries a subject in every mode and variation. */
export function profileOf(subject: Subject, hypervisor: boolean, traps: Traps): Profile {
  const records = new Map<Mode, ModeRecord>()
  let dependsOnMode = false
  for (const trial of subject.trials()) {
    const results = tryEverywhere(trial, hypervisor, traps)
    for (const [mode, byVariation] of results) {
      const record = records.get(mode) ?? new ModeRecord()
      records.set(mode, record)
      record.add(byVariation)
    }
    const base = (mode: Mode) => results.get(mode)?.get('base')
    dependsOnMode ||=
      differ(base('U'), base('S')) || differ(base('S'), base('M')) || differ(base('U'), base('M'))
  }
  return { modes: new Map([...records].map(([mode, record]) => [mode, record.profile()])), dependsOnMode }
}

/** The three classes, and what they rest on. */
export interface Classification {
  readonly privileged: boolean
  readonly controlSensitive: boolean
  readonly behaviourSensitive: boolean
  readonly changes: readonly string[]
  readonly dependsOn: readonly string[]
}

/** Applies the definitions to the modes U, S and M. */
export function classify({ modes, dependsOnMode }: Profile): Classification {
  const plain = (['U', 'S', 'M'] as const).flatMap((mode) => modes.get(mode) ?? [])
  const untrapped = (mode: Mode) => ['never', 'sometimes'].includes(modes.get(mode)?.traps ?? 'none')
  const changes = [...new Set(plain.flatMap((each) => each.changes))].sort()
  const dependsOn = [
    ...new Set([...plain.flatMap((each) => each.dependsOn), ...(dependsOnMode ? ['mode'] : [])]),
  ].sort()
  return {
    privileged: !untrapped('U') && (untrapped('S') || untrapped('M')),
    controlSensitive: changes.length > 0,
    behaviourSensitive: dependsOn.length > 0,
    changes,
    dependsOn,
  }
}
