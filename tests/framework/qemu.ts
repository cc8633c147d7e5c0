/** The outside judge of whole programs: qemu-system-riscv64 (Debian's qemu-system-misc). */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What to run. */
export interface QemuRun {
  /** a program for M-mode at 0x80000000, in place of firmware */
  readonly program: Uint8Array
  /** processor and its options, e.g. `rv64,h=off` */
  readonly cpu: string
  /** it is killed then; 60 s unless given */
  readonly timeoutMs?: number
}

/** What became of it. */
export interface QemuEnd {
  /** exit status; null when it was killed */
  readonly status: number | null
  /** everything written to the UART */
  readonly output: Uint8Array
}

const emulator = 'qemu-system-riscv64'

/**
 * Runs a bare program on QEMU's `virt` machine, with two harts: with one only, QEMU executes an AMO as a load and a
 * store, and faults as those do. Rejects with what to install when there is no QEMU.
 */
export async function runQemu({ program, cpu, timeoutMs = 60_000 }: QemuRun): Promise<QemuEnd> {
  const folder = mkdtempSync(join(tmpdir(), 'virga-qemu-'))
  try {
    const file = join(folder, 'program.bin')
    writeFileSync(file, program)
    return await start(
      [
        '-M',
        'virt',
        '-cpu',
        cpu,
        '-smp',
        '2',
        '-m',
        '64M',
        '-bios',
        file,
        '-display',
        'none',
        '-monitor',
        'none',
        '-serial',
        'stdio',
      ],
      timeoutMs,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function start(args: readonly string[], timeoutMs: number): Promise<QemuEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(emulator, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs })
    const output: Buffer[] = []
    const complaints: Buffer[] = []
    child.stdout.on('data', (bytes: Buffer) => output.push(bytes))
    child.stderr.on('data', (bytes: Buffer) => complaints.push(bytes))
    child.on('error', (cause) =>
      reject(new Error(`${emulator} is missing: install qemu-system-misc`, { cause })),
    )
    child.on('close', (status) => {
      const words = Buffer.concat(complaints).toString().trim()
      if (status !== 0 && output.length === 0 && words !== '') reject(new Error(`${emulator}: ${words}`))
      else resolve({ status, output: Buffer.concat(output) })
    })
  })
}
