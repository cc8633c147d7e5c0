/** `virga local`: machines of this computer that go on without a terminal. One command a file. */

import type { Command } from 'commander'
import { addLocalConsoleCommand } from './local-console.ts'
import { addLocalListCommand } from './local-list.ts'
import { addLocalLogCommand } from './local-log.ts'
import { addLocalMoveCommands } from './local-moves.ts'
import { addLocalNetCommands } from './local-net.ts'
import { addLocalRmCommand } from './local-rm.ts'
import { addLocalServeCommand } from './local-serve.ts'
import { addLocalShutdownCommand } from './local-shutdown.ts'
import { addLocalStartCommand } from './local-start.ts'

const help = `
A process in the background, the host, has the machines; it is started when it is needed, and ends when no machine has
run for five minutes. What it keeps is in $XDG_STATE_HOME/virga/local, or ~/.local/state/virga/local.

Examples:
  virga local start web --cpus 2 --memory 1GiB
  virga local console web
  virga local list
  virga local stop web
  virga local start web
  virga local rm web --force`

/** Adds the group of commands to the program. */
export function addLocalCommands(program: Command): void {
  const local = program
    .command('local')
    .description('machines on this computer that go on without a terminal')
    .addHelpText('after', help)
  addLocalStartCommand(local)
  addLocalListCommand(local)
  addLocalConsoleCommand(local)
  addLocalMoveCommands(local)
  addLocalRmCommand(local)
  addLocalNetCommands(local)
  addLocalLogCommand(local)
  addLocalServeCommand(local)
  addLocalShutdownCommand(local)
}
