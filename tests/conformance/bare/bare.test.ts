/**
 * Programs that tell by themselves whether they passed: bare ones by HTIF, those for S-mode by the SBI. What they
 * check is in the sources; here is what the machine, and the command line, make of it.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assembleElf, assembleFlat } from '../../framework/assemble.ts'
import { type MachineEngine, runMachine } from '../../framework/run-machine.ts'

const source = (name: string) => join(import.meta.dirname, `${name}.s`)
const build = (name: string, status: number) => ({
  sources: [source(name)],
  includes: [import.meta.dirname],
  defines: { STATUS: status },
})

/** These programs are short: only what compiles at once compiles anything of them. */
const engines: readonly MachineEngine[] = ['interpreter', 'eager jit']

async function runBare(program: Uint8Array, engine: MachineEngine, cpus = 1) {
  const { outcome, output } = await runMachine({ boot: { kind: 'bare', program }, cpus, engine })
  return { outcome, text: Buffer.from(output).toString() }
}

/** Exit status and output of `virga run --bare`. */
function runCommand(program: Uint8Array, ...more: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'virga-bare-'))
  try {
    const file = join(folder, 'program')
    writeFileSync(file, program)
    const command = join(import.meta.dirname, '../../../apps/cli/virga.js')
    const args = [command, 'run', '--bare', file, ...more]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', input: '' })
    return { status, stdout, stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe.each(['bare', 'virtual'])('a program of the %s kind', (name) => {
  describe.each(engines)('on the %s', (engine) => {
    it.each([0, 1, 7, 255])('ends with its exit status %i', async (status) => {
      const { outcome } = await runBare(assembleElf(build(name, status)), engine)
      expect(outcome).toEqual({ kind: 'power-off', status })
    })

    it('runs on a machine with more harts', async () => {
      const { outcome } = await runBare(assembleElf(build(name, 3)), engine, 3)
      expect(outcome).toEqual({ kind: 'power-off', status: 3 })
    })
  })

  it.each([0, 42])('gives the command its exit status %i', (status) => {
    expect(runCommand(assembleElf(build(name, status))).status).toBe(status)
  })

  it('does so when both engines run it', () => {
    const program = assembleElf(build(name, 42))
    expect(runCommand(program, '--engine', 'lockstep')).toMatchObject({ status: 42, stderr: '' })
  })
})

describe('a bare program', () => {
  it.each(engines)('prints by HTIF and by the UART, on the %s', async (engine) => {
    expect((await runBare(assembleElf(build('bare', 0)), engine)).text).toBe('hi\nand by UART\nand ')
  })

  it('prints through the command', () => {
    expect(runCommand(assembleElf(build('bare', 0)))).toMatchObject({
      stdout: expect.stringContaining('hi\nand by UART\nand '),
    })
  })
})

describe('a raw S-mode kernel', () => {
  const kernel = (reason: number) =>
    assembleFlat({
      sources: [source('sbi-kernel')],
      base: 0x8020_0000,
      defines: { HARTS: 2, REASON: reason },
    })

  it.each([
    { engine: 'interpreter', reason: 0, status: 0 },
    { engine: 'interpreter', reason: 1, status: 1 },
    { engine: 'eager jit', reason: 1, status: 1 },
  ] as const)('resets the system for reason $reason, on the $engine', async ({ engine, reason, status }) => {
    const { outcome, output } = await runMachine({
      boot: { kind: 'direct', kernel: kernel(reason), commandLine: '' },
      cpus: 2,
      engine,
    })
    // A failed check would print its letter.
    expect(Buffer.from(output).toString()).toBe('hello by SBI\na\nhello by UART\n')
    expect(outcome).toEqual({ kind: 'power-off', status })
  })
})
