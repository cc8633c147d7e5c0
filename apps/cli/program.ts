/** The program's commands, put together. */

import { Command } from 'commander'
import { runCommand } from './commands/run.ts'
import { exitStatus } from './failure.ts'

const examples = `
Examples:
  virga run                          boot Debian's kernel to a shell
  virga run --exec 'cat /proc/cpuinfo'
  virga image list
  virga isa addw
  virga isa --popek-goldberg`

/** Builds the command line. A mistake in it exits with status 2. */
export function createProgram(): Command {
  return new Command('virga')
    .description('a cloud whose machines, networks and failures are real')
    .version('0.1.0')
    .addHelpText('after', examples)
    .showHelpAfterError('(add --help for the options and examples)')
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : exitStatus.user)
    })
    .addCommand(runCommand())
}
