/** Runs the `virga` program as a person or a script does: as a process of its own, from its door. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { rootDir } from '../style/tree.ts'

/** What a shell would start. */
export const virgaCommand = [process.execPath, join(rootDir, 'apps/cli/virga.js')] as const

/** How a run ended; `status` is null when a signal ended it. */
export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly wallMs: number
}

/** How to run it. */
export interface RunOptions {
  /** what its standard input holds; without, it is empty */
  readonly input?: string
  /** variables that differ from the test's own; undefined removes one */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** where it runs */
  readonly folder?: string
}

/** Runs `virga` with these arguments to its end. */
export function virga(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(virgaCommand, args, options)
  child.process.stdin?.end(options.input ?? '')
  return child.ended
}

/** A running program whose output can be waited for. */
export class Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''
  readonly #waiting = new Set<() => void>()

  constructor(child: ChildProcess) {
    const startedMs = performance.now()
    this.process = child
    running.add(this)
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stdout += chunk
      for (const look of this.#waiting) look()
    })
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk
    })
    // A program that has ended before it read its input is no failure of the test.
    child.stdin?.on('error', () => undefined)
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (status, signal) => {
        running.delete(this)
        const { stdout, stderr } = this
        resolve({ status, signal, stdout, stderr, wallMs: performance.now() - startedMs })
      })
    })
  }

  /** Types, as on a keyboard. */
  type(text: string): void {
    this.process.stdin?.write(text)
  }

  /** Resolves when the output since the last call (or the start) has come to match; fails after `withinMs`. */
  async shows(pattern: RegExp, withinMs = 60_000): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(this.stdout.slice(this.#seen))
        if (found === null) return
        this.#seen += found.index + found[0].length
        done(resolve)
      }
      const done = (settle: () => void) => {
        clearTimeout(limit)
        this.#waiting.delete(look)
        settle()
      }
      const limit = setTimeout(() => {
        done(() =>
          reject(new Error(`no ${pattern} within ${withinMs} ms in: ${this.stdout.slice(this.#seen)}`)),
        )
      }, withinMs)
      this.#waiting.add(look)
      look()
    })
  }

  #seen = 0
}

/** Starts a program and leaves its input open. */
export function start(
  [program = '', ...first]: readonly string[],
  args: readonly string[],
  { environment = {}, folder = rootDir }: RunOptions = {},
): Running {
  return new Running(
    spawn(program, [...first, ...args], { cwd: folder, env: { ...process.env, ...environment } }),
  )
}

/** Starts a shell command in a terminal of its own (`script` of util-linux makes one): its input is the keyboard. */
export function startInTerminal(shellCommand: string): Running {
  return start(['script', '--quiet', '--return', '--flush', '--command', shellCommand, '/dev/null'], [])
}

/** What runs. A test that fails in the middle leaves no machine behind. */
const running = new Set<Running>()
afterEach(() => {
  for (const each of running) each.process.kill('SIGKILL')
})

/** A folder for the files of a test. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'virga-e2e-'))
}

/** Writes a bare program of 32-bit words into `folder` and returns its path. */
export function writeProgram(folder: string, name: string, words: readonly number[]): string {
  const path = join(folder, name)
  writeFileSync(path, new Uint8Array(Uint32Array.from(words).buffer))
  return path
}
