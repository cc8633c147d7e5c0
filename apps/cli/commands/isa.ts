/** `virga isa`: the instruction table, one entry of it, or the virtualization theorem checked on it. */

import { type Result, userError } from '@virga/base'
import { type Command, Option } from 'commander'
import { reportFailure } from '../failure.ts'

interface IsaFlags {
  readonly popekGoldberg?: true
  readonly output: 'text' | 'json'
}

const examples = `
Examples:
  virga isa                     all instructions, by extension
  virga isa addw                encoding, syntax, meaning and class of one
  virga isa c.lwsp -o json
  virga isa --popek-goldberg    which instructions are sensitive, and whether they trap`

/** Adds the command to the program. */
export function addIsaCommand(program: Command): void {
  program
    .command('isa')
    .description("explain the machine's instructions")
    .argument('[mnemonic]', 'instruction to describe')
    .option('--popek-goldberg', "check Popek and Goldberg's theorem on the instruction table")
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .addHelpText('after', examples)
    .action(async (mnemonic: string | undefined, { popekGoldberg, output }: IsaFlags) => {
      const text = await (popekGoldberg === true
        ? theorem(mnemonic, output)
        : mnemonic === undefined
          ? list(output)
          : entry(mnemonic.toLowerCase(), output))
      if (text.ok) process.stdout.write(text.value)
      else process.exitCode = reportFailure(text.error)
    })
}

type Text = Promise<Result<string>>

const json = (value: unknown): Result<string> => ({ ok: true, value: `${JSON.stringify(value)}\n` })

async function list(output: IsaFlags['output']): Text {
  const { extensions, listText } = await import('../isa/list-text.ts')
  return output === 'json' ? json(extensions()) : { ok: true, value: listText() }
}

async function entry(mnemonic: string, output: IsaFlags['output']): Text {
  const { describeInstruction } = await import('@virga/riscv')
  const description = describeInstruction(mnemonic)
  if (description === undefined) return await unknown(mnemonic)
  if (output === 'json') return json(description)
  const { entryText } = await import('../isa/entry-text.ts')
  return { ok: true, value: entryText(description) }
}

async function theorem(mnemonic: string | undefined, output: IsaFlags['output']): Text {
  if (mnemonic !== undefined) {
    return userError(`--popek-goldberg is about all instructions; leave out '${mnemonic}', or the flag`)
  }
  const { popekGoldberg } = await import('@virga/riscv')
  const report = popekGoldberg()
  if (output === 'json') return json(report)
  const { theoremText } = await import('../isa/theorem-text.ts')
  return { ok: true, value: theoremText(report) }
}

async function unknown(mnemonic: string): Text {
  const { similarMnemonics } = await import('../isa/similar-mnemonics.ts')
  const similar = similarMnemonics(mnemonic)
  const guess = similar.length === 0 ? '`virga isa` lists them' : `did you mean ${similar.join(', ')}?`
  return userError(`this machine has no instruction '${mnemonic}'; ${guess}`)
}
