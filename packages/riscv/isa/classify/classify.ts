/**
 * Popek and Goldberg's definitions, applied to observations.
 *
 * * *privileged*: traps in user mode in every state in which it does not in a supervisor mode, and there are such.
 * * *control sensitive*: in some state it changes resources, without trapping.
 * * *behaviour sensitive*: what it computes differs between states that differ in resources or mode alone.
 *
 * The definitions leave memory traps aside, and so does this: which addresses are mapped is the monitor's business.
 */

import { type Observation, observe } from './experiment.ts'
import type { Subject, Trial } from './subject.ts'
import { type Mode, type Traps, type Variation, variations } from './world.ts'

/** How often an instruction traps in a mode. `none`: it was never tried without a memory trap. */
export type TrapHabit = 'always' | 'sometimes' | 'never' | 'none'

export interface Classification {
  readonly subject: Subject
  readonly traps: Readonly<Record<string, TrapHabit>>
  readonly privileged: boolean
  readonly controlSensitive: boolean
  readonly behaviourSensitive: boolean
  /** resources that it changed */
  readonly changes: readonly string[]
  /** what its result depended on: `mode`, or the variations that made a difference */
  readonly dependsOn: readonly string[]
}

/** The setting of a question: which modes are user and supervisor, and which resources do not count. */
export interface Setting {
  readonly hypervisor: boolean
  readonly traps: Traps
  /** the mode in which the guest's kernel runs */
  readonly deprivileged: readonly Mode[]
  /** the modes that the kernel was written for, or that the monitor has */
  readonly supervisors: readonly Mode[]
  /** the modes in which sensitivity is looked for */
  readonly asked: readonly Mode[]
  /** whether those modes may be told apart: not where the hardware keeps the guest's mode for it */
  readonly comparesModes: boolean
  /** whether a change of this resource, from that mode, touches what is real */
  counts(resource: string, mode: Mode): boolean
}

type Results = ReadonlyMap<Mode, ReadonlyMap<Variation, Observation>>

function tryEverywhere(trial: Trial, { hypervisor, traps }: Setting, modes: readonly Mode[]): Results {
  return new Map(
    modes.map((mode) => [
      mode,
      new Map(
        variations.map((variation) => [variation, observe(trial, { mode, traps, variation, hypervisor })]),
      ),
    ]),
  )
}

/** Names what the results of one trial depended on, among modes that may be compared. */
function dependencies(results: Results, { asked: modes, comparesModes }: Setting): string[] {
  const found: string[] = []
  const computed = (mode: Mode, variation: Variation) => {
    const observation = results.get(mode)?.get(variation)
    return observation?.kind === 'done' ? observation.processor : undefined
  }
  for (const mode of modes) {
    const base = computed(mode, 'base')
    for (const variation of variations) {
      const other = computed(mode, variation)
      if (base !== undefined && other !== undefined && other !== base) found.push(variation)
    }
  }
  const bases = new Set(modes.map((mode) => computed(mode, 'base')).filter((each) => each !== undefined))
  return comparesModes && bases.size > 1 ? [...found, 'mode'] : found
}

function habit(observations: readonly Observation[]): TrapHabit {
  const decided = observations.filter(({ kind }) => kind !== 'memory trap')
  const traps = decided.filter(({ kind }) => kind === 'trap').length
  if (decided.length === 0) return 'none'
  return traps === decided.length ? 'always' : traps === 0 ? 'never' : 'sometimes'
}

/** Classifies a subject in a setting. */
export function classifySubject(subject: Subject, setting: Setting): Classification {
  const modes = [...new Set([...setting.deprivileged, ...setting.supervisors])]
  const perTrial = subject.trials().map((trial) => tryEverywhere(trial, setting, modes))
  const observed = (mode: Mode) => perTrial.flatMap((results) => [...(results.get(mode)?.values() ?? [])])
  const traps = Object.fromEntries(modes.map((mode) => [mode, habit(observed(mode))]))

  const changes = new Set<string>()
  for (const mode of setting.asked) {
    for (const observation of observed(mode)) {
      if (observation.kind !== 'done') continue
      for (const resource of observation.changed) if (setting.counts(resource, mode)) changes.add(resource)
    }
  }
  const dependsOn = new Set(perTrial.flatMap((results) => dependencies(results, setting)))
  const trapsBelow = setting.deprivileged.every((mode) => traps[mode] === 'always' || traps[mode] === 'none')
  return {
    subject,
    traps,
    privileged:
      trapsBelow &&
      setting.supervisors.some((mode) => traps[mode] === 'never' || traps[mode] === 'sometimes'),
    controlSensitive: changes.size > 0,
    behaviourSensitive: dependsOn.size > 0,
    changes: [...changes].sort(),
    dependsOn: [...dependsOn].sort(),
  }
}
