/**
 * The `virga` program, reached through virga.js: hands its arguments over, and has the last word when something
 * goes wrong that should not have.
 */

import { exitStatus, explain, reportDefect, say } from './failure.ts'
import { runProgram } from './program.ts'

process.on('uncaughtException', (error) => process.exit(reportDefect(error)))
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read our output has seen enough; a full disk is worth a word.
  if (error.code !== 'EPIPE') say(`cannot write to the standard output (${error.code}); free some space`)
  explain(error)
  process.exit(error.code === 'EPIPE' ? 0 : exitStatus.world)
})
await runProgram(process.argv.slice(2))
