/** `virga local stop`, `pause` and `resume`: what is asked of a machine by name, and nothing more. */

import { ok } from '@virga/base'
import type { Command } from 'commander'
import { withHost } from '../local-host.ts'

/** What each does, and what is said when it is done. */
const moves = {
  stop: ['end a machine, whatever its guest does, as if its power were cut', 'is off'],
  pause: ["stop a machine's harts; its clock stands", 'is paused'],
  resume: ['let a paused machine go on', 'runs'],
} as const

/** Adds the commands to their group. */
export function addLocalMoveCommands(local: Command): void {
  for (const move of ['stop', 'pause', 'resume'] as const) {
    const [description, done] = moves[move]
    local
      .command(move)
      .description(description)
      .argument('<name>', 'the machine')
      .addHelpText('after', `\nExample:\n  virga local ${move} web`)
      .action(async (name: string) => {
        await withHost(async (host) => {
          const moved = await host.move(name, move)
          return moved.ok ? ok(`machine ${name} ${done}\n`) : moved
        })
      })
  }
}
