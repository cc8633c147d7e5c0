/** Popek and Goldberg's theorem on the instruction table. */

export type { Classification, TrapHabit } from './classify.ts'
export type { LiteratureEntry, Offender } from './literature.ts'
export {
  type CounterExample,
  classificationOf,
  popekGoldberg,
  type Report,
  type Row,
  type Verdict,
} from './theorem.ts'
