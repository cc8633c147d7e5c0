/** Resident memory and processor use of an idle machine at its shell. */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const commandLine = join(import.meta.dirname, '../../apps/cli/virga.js')
const settleMs = 15_000
const observedMs = 10_000
/** Clock ticks a second of /proc times on Linux. */
const ticksPerSecond = 100

/** What an idle machine of 512 MiB costs its host. */
export interface IdleCost {
  readonly residentMiB: number
  /** percent of one core */
  readonly corePercent: number
}

/** Boots to the shell, waits for quiet, then reads the process's memory and processor time. */
export async function measureIdle(): Promise<IdleCost> {
  const child = spawn(process.execPath, [commandLine, 'run', '--memory', '512MiB'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdout.resume()
  try {
    await delay(settleMs)
    const before = processorTicks(child.pid)
    await delay(observedMs)
    const ticks = processorTicks(child.pid) - before
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    const residentKiB = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
    return {
      residentMiB: residentKiB / 1024,
      corePercent: (ticks / ticksPerSecond / (observedMs / 1000)) * 100,
    }
  } finally {
    child.kill('SIGTERM')
  }
}

function processorTicks(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
