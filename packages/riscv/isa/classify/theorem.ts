/**
 * Popek and Goldberg's theorem put to the instruction table: a monitor that runs its guests directly can be built
 * if every sensitive instruction traps where the guest runs. Asked without the hypervisor extension (the guest's
 * kernel runs in U-mode) and with it (in VS-mode), with the trap controls that the monitor has set or left open.
 *
 * With H an instruction need not trap if all it touches is what the hardware keeps for the guest alone.
 */

import { type Classification, classify, type ModeProfile, type Profile, profileOf } from './classify.ts'
import { type LiteratureEntry, literature } from './literature.ts'
import { type Subject, subjects } from './subject.ts'
import type { Mode, Traps } from './world.ts'

/** A sensitive instruction that goes through where the guest runs, and touches what is real. */
export interface CounterExample {
  readonly subject: string
  /** what it changes or depends on */
  readonly why: string
  /** what saves the monitor all the same */
  readonly remedy: string
}

/** The answer to one question: `sensitive` = `trapping` + `harmless` + the counter-examples. */
export interface Verdict {
  readonly question: string
  /** what the monitor has set */
  readonly configuration: string
  readonly sensitive: number
  /** sensitive, and always traps where the guest runs */
  readonly trapping: number
  /** sensitive, goes through, and touches only what is the guest's own (with H) */
  readonly harmless: number
  /** there is no counter-example */
  readonly holds: boolean
  /** there is none but for scounteren and senvcfg, which the specification expects a hypervisor to swap by hand */
  readonly holdsIfSwapped: boolean
  readonly counterExamples: readonly CounterExample[]
}

/** One line of the table of instructions. */
export interface Row extends Classification {
  /** the mnemonic, and for CSR instructions the kind of CSR */
  readonly subject: string
  readonly mnemonic: string
  /** how often it traps in U, S, M, VU and VS, with the monitor's traps set */
  readonly traps: Readonly<Record<Mode, string>>
}

export interface Report {
  readonly rows: readonly Row[]
  readonly verdicts: readonly Verdict[]
  readonly literature: readonly LiteratureEntry[]
  /** what running instructions cannot show */
  readonly limits: readonly string[]
}

interface Question {
  readonly question: string
  readonly configuration: string
  readonly hypervisor: boolean
  readonly traps: Traps
  /** the modes in which the guest runs */
  readonly guest: readonly Mode[]
}

const WITHOUT = {
  question: 'without H, the guest’s kernel in U-mode',
  hypervisor: false,
  guest: ['U'],
} as const
const WITH = {
  question: 'with H, the guest’s kernel in VS-mode',
  hypervisor: true,
  guest: ['VU', 'VS'],
} as const

const questions: readonly Question[] = [
  { ...WITHOUT, traps: 'closed', configuration: 'scounteren = 0, senvcfg = 0' },
  { ...WITHOUT, traps: 'open', configuration: 'counters and cache-block operations let through' },
  { ...WITH, traps: 'closed', configuration: 'hcounteren = 0, henvcfg.STCE = CBxE = 0, hstatus.VTW = 1' },
  { ...WITH, traps: 'open', configuration: 'counters, timer, cache-block operations and WFI let through' },
]

/** What the hardware keeps for the guest alone while V = 1: hie and hvip are reached through vsie and vsip. */
const guestOwned = (resource: string) =>
  resource.startsWith('vs') || resource === 'privilege' || resource === 'hie' || resource === 'hvip'

/** Registers that VS-mode shares with the host. @spec riscv-priv "Hypervisor and Virtual Supervisor CSRs" */
const shared: ReadonlySet<string> = new Set(['scounteren', 'senvcfg'])
const SWAP =
  'no guest’s copy exists: the monitor swaps their contents with the guest’s, like those of the integer registers'

/** What an untrapped run in the guest's modes touches that is real. */
function touched(
  { modes }: Profile,
  { guest, hypervisor }: Question,
  sensitive: Classification,
): ModeProfile | undefined {
  const seen = guest.flatMap((mode) => modes.get(mode) ?? [])
  if (seen.every(({ traps }) => traps === 'always' || traps === 'none')) return undefined
  // without H nothing is kept apart: that it is sensitive at all is enough
  if (!hypervisor) return { traps: 'never', changes: sensitive.changes, dependsOn: sensitive.dependsOn }
  const changes = [...new Set(seen.flatMap((each) => each.changes))].filter((name) => !guestOwned(name))
  return { traps: 'never', changes, dependsOn: [...new Set(seen.flatMap((each) => each.dependsOn))] }
}

function remedyFor({ changes, dependsOn }: ModeProfile, { hypervisor }: Question): string {
  if (changes.length > 0 && changes.every((name) => shared.has(name))) {
    return SWAP
  }
  if (changes.includes('processor time'))
    return 'a timer interrupt takes the processor back; hstatus.VTW = 1 makes it trap'
  if (dependsOn.includes('time')) {
    return `clear the counter-enable bits and it traps${hypervisor ? '; htimedelta shifts the time CSR' : ''}`
  }
  return 'none'
}

function reason({ changes, dependsOn }: ModeProfile): string {
  const parts = [
    changes.length > 0 ? `changes ${changes.join(', ')}` : '',
    dependsOn.length > 0 ? `its result depends on ${dependsOn.join(', ')}` : '',
  ]
  return parts.filter((part) => part !== '').join('; ')
}

/** Gathers the answer to one question, subject by subject. */
class Inquiry {
  private sensitive = 0
  private trapping = 0
  private harmless = 0
  private readonly counterExamples: CounterExample[] = []
  private readonly question: Question

  constructor(question: Question) {
    this.question = question
  }

  add(subject: Subject, profile: Profile): void {
    const classification = classify(profile)
    if (!classification.controlSensitive && !classification.behaviourSensitive) return
    this.sensitive += 1
    const real = touched(profile, this.question, classification)
    if (real === undefined) this.trapping += 1
    else if (real.changes.length === 0 && real.dependsOn.length === 0) this.harmless += 1
    else
      this.counterExamples.push({
        subject: subject.name,
        why: reason(real),
        remedy: remedyFor(real, this.question),
      })
  }

  verdict(): Verdict {
    const { question, configuration } = this.question
    const { sensitive, trapping, harmless, counterExamples } = this
    return {
      question,
      configuration,
      sensitive,
      trapping,
      harmless,
      holds: counterExamples.length === 0,
      holdsIfSwapped: counterExamples.every(({ remedy }) => remedy === SWAP),
      counterExamples,
    }
  }
}

function rowOf({ name, mnemonic }: Subject, plain: Profile, withH: Profile): Row {
  const habit = (profile: Profile, mode: Mode) => profile.modes.get(mode)?.traps ?? 'none'
  return {
    subject: name,
    mnemonic,
    ...classify(plain),
    traps: {
      U: habit(plain, 'U'),
      S: habit(plain, 'S'),
      M: habit(plain, 'M'),
      VU: habit(withH, 'VU'),
      VS: habit(withH, 'VS'),
    },
  }
}

/** What exists only with H is classified on a hart that has it. */
function rowFromScratch(subject: Subject): Row {
  const withH = profileOf(subject, true, 'closed')
  return rowOf(subject, subject.hypervisorOnly ? withH : profileOf(subject, false, 'closed'), withH)
}

/** Rows of one mnemonic: one, or for a CSR instruction one for each kind of CSR. Empty for an unknown name. */
export function classificationOf(mnemonic: string): readonly Row[] {
  return subjects.filter((subject) => subject.mnemonic === mnemonic).map(rowFromScratch)
}

const limits: readonly string[] = [
  'caches, memory ordering and timing do not exist in the evaluator: cbo.inval, cbo.clean, cbo.flush, fence and fence.i do nothing there',
  'memory traps are left aside, as in the paper: the monitor decides what is mapped where',
  'an LR/SC pair may fail when the monitor steps in, which programs have to expect anyway',
  'WFI in U-mode may complete on other machines; on this one it traps',
]

/** Runs every instruction in every mode, which takes seconds. */
export function popekGoldberg(): Report {
  const inquiries = questions.map((question) => ({ question, inquiry: new Inquiry(question) }))
  const rows: Row[] = []
  for (const subject of subjects) {
    const profiles = new Map<Question, Profile>()
    for (const { question, inquiry } of inquiries) {
      if (subject.hypervisorOnly && !question.hypervisor) continue
      const profile = profileOf(subject, question.hypervisor, question.traps)
      profiles.set(question, profile)
      inquiry.add(subject, profile)
    }
    const closed = [...profiles].filter(([{ traps }]) => traps === 'closed').map(([, profile]) => profile)
    const [plain, withH = plain] = closed
    if (plain !== undefined && withH !== undefined) rows.push(rowOf(subject, plain, withH))
  }
  return { rows, verdicts: inquiries.map(({ inquiry }) => inquiry.verdict()), literature, limits }
}
