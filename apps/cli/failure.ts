/** How the program says that something went wrong: one line on stderr, and whose mistake it was as status. */

import { inspect } from 'node:util'
import type { WorldError } from '@virga/base'

/** Exit statuses: the user's mistake, the world's failure, a time limit (as coreutils' timeout). */
export const exitStatus = { user: 2, world: 1, timeout: 124 } as const

/** Prints the failure's line and returns the exit status for it. */
export function reportFailure(error: WorldError): number {
  say(error.message)
  if (error.cause !== undefined) explain(error.cause)
  return exitStatus[error.fault]
}

/** Prints the line for what should not have happened, and returns the exit status for it. */
export function reportDefect(error: unknown): number {
  const what = error instanceof Error ? error.message : String(error)
  const hint = isDebugging() ? '' : ' (VIRGA_DEBUG=1 shows where)'
  say(`a defect of Virga, please report it: ${what}${hint}`)
  explain(error)
  return exitStatus.world
}

/** One line on stderr. */
export function say(message: string): void {
  process.stderr.write(`virga: ${message.trim().replaceAll(/\s*\n\s*/g, ' ')}\n`)
}

/** Internal context, for whoever mends it: only with VIRGA_DEBUG set. */
export function explain(cause: unknown): void {
  if (isDebugging()) process.stderr.write(`${inspect(cause)}\n`)
}

function isDebugging(): boolean {
  return (process.env.VIRGA_DEBUG ?? '') !== ''
}
