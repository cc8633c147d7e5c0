/**
 * The two machines that are compared: this project's, through its command line, and QEMU's `virt`. Both get the
 * same kernel, initial RAM disk, memory and harts, and leave through the same register.
 */

import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** How a program ended. */
export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly wallMs: number
}

const rootDir = join(import.meta.dirname, '../..')
const commandLine = join(rootDir, 'apps/cli/virga.js')

/** Runs `virga` with these arguments. */
export function virga(...args: readonly string[]): Promise<Outcome> {
  return run(commandLine, args)
}

/** Runs QEMU's riscv64 `virt` machine with these arguments, headless. */
export function qemu(...args: readonly string[]): Promise<Outcome> {
  return run('qemu-system-riscv64', ['-M', 'virt', '-nographic', '-no-reboot', ...args])
}

/** The first line of QEMU's own version text. */
export async function qemuVersion(): Promise<string> {
  const { stdout } = await run('qemu-system-riscv64', ['--version'])
  return stdout.split('\n')[0] ?? ''
}

function run(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', (cause) =>
      reject(new Error(`cannot run ${program}: install qemu-system-misc (${cause.message})`, { cause })),
    )
    child.on('close', (status) => resolve({ status, stdout, stderr, wallMs: performance.now() - startedMs }))
  })
}
