/** How every command reads its arguments: a mistake is one line on stderr that says where help is, and status 2. */

import { type Command, CommanderError } from 'commander'
import { exitStatus, say } from './failure.ts'

/** Makes `command` and all below it speak of mistakes in this way. Call it when all commands are there. */
export function speakPlainly(command: Command, parentName = ''): void {
  const name = `${parentName} ${command.name()}`.trim()
  command.exitOverride().configureOutput({ outputError: (text) => say(plain(text, name)) })
  for (const inner of command.commands) speakPlainly(inner, name)
}

/** Commander's own text is `error: …`, and a line with a guess for what is misspelt. */
function plain(text: string, commandName: string): string {
  const [fault = '', guess = ''] = text
    .trim()
    .replace(/^error: /, '')
    .split('\n')
  return `${fault}${guess === '' ? '' : ` ${guess.toLowerCase()}`}; see \`${commandName} --help\``
}

/** Runs the command that `args` name. Resolves to an exit status if the arguments ended it, else undefined. */
export async function parse(program: Command, args: readonly string[]): Promise<number | undefined> {
  try {
    await program.parseAsync(args, { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? 0 : exitStatus.user
  }
}
