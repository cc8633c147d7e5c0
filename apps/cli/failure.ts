/** How the program says that something went wrong: one line on stderr, and whose mistake it was as status. */

import type { WorldError } from '@virga/base'

/** Exit statuses: the user's mistake, the world's failure, a time limit (as coreutils' timeout). */
export const exitStatus = { user: 2, world: 1, timeout: 124 } as const

/** Prints the failure's line and returns the exit status for it. */
export function reportFailure(error: WorldError): number {
  process.stderr.write(`virga: ${error.message.replaceAll('\n', ' ')}\n`)
  return exitStatus[error.fault]
}
