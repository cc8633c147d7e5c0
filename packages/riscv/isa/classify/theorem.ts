/**
 * Popek and Goldberg's theorem put to the instruction table: a monitor that runs its guests directly can be built
 * if every sensitive instruction traps where the guest runs. Asked without the hypervisor extension (the guest's
 * kernel runs in U-mode) and with it (in VS-mode), with the trap controls that the monitor has set or left open.
 */

import { type Classification, classifySubject, type Setting } from './classify.ts'
import { type LiteratureEntry, literature } from './literature.ts'
import { type Subject, subjects } from './subject.ts'
import type { Mode, Traps } from './world.ts'

/** A sensitive instruction that does not trap where the guest runs. */
export interface CounterExample {
  readonly subject: string
  readonly question: string
  /** what it changes or depends on */
  readonly why: string
  /** what saves the monitor all the same, if anything does */
  readonly remedy: string
}

export interface Verdict {
  readonly question: string
  /** what the monitor has set */
  readonly configuration: string
  readonly sensitive: number
  readonly privileged: number
  readonly holds: boolean
  readonly counterExamples: readonly CounterExample[]
}

/** One line of the table of instructions. */
export interface Row {
  readonly subject: string
  readonly mnemonic: string
  /** by mode: whether it traps there, with the monitor's traps set */
  readonly traps: Readonly<Record<string, string>>
  readonly privileged: boolean
  readonly controlSensitive: boolean
  readonly behaviourSensitive: boolean
  readonly changes: readonly string[]
  readonly dependsOn: readonly string[]
}

export interface Report {
  readonly rows: readonly Row[]
  readonly verdicts: readonly Verdict[]
  readonly counterExamples: readonly CounterExample[]
  readonly literature: readonly LiteratureEntry[]
  /** what running instructions cannot show */
  readonly limits: readonly string[]
}

const native = (traps: Traps): Setting => ({
  hypervisor: false,
  traps,
  deprivileged: ['U'],
  supervisors: ['S', 'M'],
  asked: ['U', 'S', 'M'],
  comparesModes: true,
  counts: () => true,
})

/** What the hardware keeps for the guest alone while V = 1. */
const guestOwned = (resource: string) =>
  resource.startsWith('vs') || resource === 'privilege' || resource === 'hie' || resource === 'hvip'

const virtual = (traps: Traps): Setting => ({
  hypervisor: true,
  traps,
  deprivileged: ['VU', 'VS'],
  supervisors: ['S', 'M'],
  asked: ['VU', 'VS'],
  comparesModes: false,
  counts: (resource: string, _mode: Mode) => !guestOwned(resource),
})

interface Question {
  readonly question: string
  readonly configuration: string
  readonly setting: Setting
}

const WITHOUT = 'without H: the guest’s kernel runs in U-mode'
const WITH = 'with H: the guest’s kernel runs in VS-mode'

const questions: readonly Question[] = [
  { question: WITHOUT, configuration: 'scounteren = 0, senvcfg = 0', setting: native('closed') },
  {
    question: WITHOUT,
    configuration: 'counters and cache-block operations let through',
    setting: native('open'),
  },
  { question: WITH, configuration: 'hcounteren = 0, henvcfg = 0, VTW = 1', setting: virtual('closed') },
  {
    question: WITH,
    configuration: 'counters, timer, cache-block operations and WFI let through',
    setting: virtual('open'),
  },
]

/** Registers that VS-mode shares with the host because they have no copy of their own. */
const shared: ReadonlySet<string> = new Set(['scounteren', 'senvcfg'])

function remedyFor({ changes, dependsOn }: Classification): string {
  const onlyShared =
    changes.length > 0 &&
    changes.every((name) => shared.has(name)) &&
    dependsOn.every((name) => name === 'registers')
  if (onlyShared)
    return 'these registers act on U-mode alone; the monitor saves and restores them like the integer registers'
  if (changes.includes('processor time'))
    return 'a timer interrupt takes the processor back; VTW = 1 makes it trap'
  if (dependsOn.includes('time'))
    return 'clear the counter-enable bits, and it traps; htimedelta can shift the time CSR'
  return 'none'
}

function becauseOf({ changes, dependsOn }: Classification): string {
  const parts = [
    changes.length > 0 ? `changes ${changes.join(', ')}` : '',
    dependsOn.length > 0 ? `its result depends on ${dependsOn.join(', ')}` : '',
  ]
  return parts.filter((part) => part !== '').join('; ')
}

const isSensitive = ({ controlSensitive, behaviourSensitive }: Classification) =>
  controlSensitive || behaviourSensitive

/** Sensitive, and yet it can go through untrapped where the guest runs. */
function escapes(classification: Classification, { deprivileged }: Setting): boolean {
  return (
    isSensitive(classification) &&
    deprivileged.some((mode) => ['never', 'sometimes'].includes(classification.traps[mode] ?? ''))
  )
}

function answer({ question, configuration, setting }: Question): Verdict {
  const asked = subjects.filter(({ hypervisorOnly }) => setting.hypervisor || !hypervisorOnly)
  const classified = asked.map((subject) => classifySubject(subject, setting))
  const counterExamples = classified
    .filter((each) => escapes(each, setting))
    .map((each) => ({
      subject: each.subject.name,
      question: `${question}; ${configuration}`,
      why: becauseOf(each),
      remedy: remedyFor(each),
    }))
  return {
    question,
    configuration,
    sensitive: classified.filter(isSensitive).length,
    privileged: classified.filter((each) => each.privileged).length,
    holds: counterExamples.length === 0,
    counterExamples,
  }
}

/** The row of a subject: its classes without H, and where it traps with and without. */
function rowOf(subject: Subject): Row {
  const withH = classifySubject(subject, virtual('closed'))
  const plain = subject.hypervisorOnly
    ? classifySubject(subject, { ...native('closed'), hypervisor: true })
    : classifySubject(subject, native('closed'))
  const { VU = 'none', VS = 'none' } = withH.traps
  return {
    subject: subject.name,
    mnemonic: subject.mnemonic,
    traps: { ...plain.traps, VU, VS },
    privileged: plain.privileged,
    controlSensitive: plain.controlSensitive,
    behaviourSensitive: plain.behaviourSensitive,
    changes: plain.changes,
    dependsOn: plain.dependsOn,
  }
}

/** Rows of one mnemonic: one, or for a CSR instruction one for each kind of CSR. Empty for an unknown name. */
export function classificationOf(mnemonic: string): readonly Row[] {
  return subjects.filter((subject) => subject.mnemonic === mnemonic).map(rowOf)
}

const limits: readonly string[] = [
  'caches, memory ordering and timing do not exist in the evaluator: cbo.*, fence and fence.i have no effect there',
  'memory traps are left aside, as in the paper: the monitor decides what is mapped where',
  'an LR/SC pair may fail when the monitor steps in; programs have to expect that anyway',
  'WFI may complete in U-mode on other machines; on this one it traps there',
]

/** Runs every instruction in every mode. Takes a few seconds. */
export function popekGoldberg(): Report {
  const verdicts = questions.map(answer)
  return {
    rows: subjects.map(rowOf),
    verdicts,
    counterExamples: verdicts.flatMap(({ counterExamples }) => counterExamples),
    literature,
    limits,
  }
}
