/** A machine while it runs, as the host sees it: what it is asked, and how it ends. */

import type { Result } from '@virga/base'
import type { MachineStatistics, Outcome } from '@virga/vmm'
import type { MachineRecord } from '../records/machine-record.ts'

export interface RunningMachine {
  /** Stops the harts between two instructions; resolves when none runs. */
  pause(): Promise<void>
  resume(): void
  /** Ends it, whatever its guest does. */
  stop(): void
  /** Types on the console; resolves when the guest has taken all. */
  type(bytes: Uint8Array): Promise<void>
  statistics(): MachineStatistics
  /** How it ended; all threads of it are gone and its disks are closed. */
  readonly ended: Promise<Outcome>
}

/**
 * Starts what a record describes; the first instruction runs when it resolves. `output` gets what the guest prints, and
 * may ask to wait. Errors: what kept it from starting, as a line for the person.
 */
export type StartMachine = (
  record: MachineRecord,
  output: (bytes: Uint8Array) => void | Promise<void>,
) => Promise<Result<RunningMachine>>
