/** The program's commands, put together. */

import { Command } from 'commander'
import { parse, speakPlainly } from './command-line.ts'
import { addImageCommands } from './commands/image.ts'
import { addIsaCommand } from './commands/isa.ts'
import { addLocalCommands } from './commands/local.ts'
import { addNetCommands } from './commands/net.ts'
import { addRunCommand } from './commands/run.ts'
import { addTopCommand } from './commands/top.ts'
import { addVolumeCommands } from './commands/volume.ts'

const examples = `
Examples:
  virga run                          boot Debian's kernel to a shell
  virga run --exec 'cat /proc/cpuinfo'
  virga local start web              a machine that goes on without a terminal
  virga local console web
  virga top
  virga image list
  virga volume create disk.qcow2 --size 10GiB
  virga isa addw
  virga isa --popek-goldberg

Exit status: 0 fine, 1 the world's failure, 2 your mistake, 124 time limit; \`run --exec\`: the command's.
VIRGA_DEBUG=1 in the environment adds internal context to errors.`

/** Runs the command that `args` name and sets the process's exit status. */
export async function runProgram(args: readonly string[]): Promise<void> {
  const program = new Command('virga')
    .description('a cloud whose machines, networks and failures are real')
    .version('0.1.0')
    .addHelpText('after', examples)
  addRunCommand(program)
  addLocalCommands(program)
  addNetCommands(program)
  addTopCommand(program)
  addImageCommands(program)
  addVolumeCommands(program)
  addIsaCommand(program)
  speakPlainly(program)
  process.exitCode = (await parse(program, args)) ?? process.exitCode
}
