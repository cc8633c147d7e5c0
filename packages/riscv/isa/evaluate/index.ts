/** The evaluator: the slow, plain reader of the instruction table that all others are compared with. */

export {
  type CsrValues,
  copyHart,
  type Hart,
  type HypervisorCsrValues,
  type Privilege,
  type Reservation,
  resetHart,
} from './hart.ts'
export { type PhysicalMemory, Ram } from './memory.ts'
export { readMstatus, readSstatus } from './status.ts'
export { type StepResult, step } from './step.ts'
export { cause, type Exception, pendingBits } from './trap.ts'
