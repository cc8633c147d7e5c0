/** What a machine at its prompt costs its host. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { start, virga, virgaCommand } from './virga.ts'

const pullMsMax = 600_000
const testMsMax = 180_000
/** What Linux boots with goes on a little after the prompt. */
const settleMs = 3000
const observedMs = 5000
/** What V8 still compiles after a boot takes longer on a busy host, so it may take some looks until all is quiet. */
const looksMax = 6
const busyMax = 0.01
/** Units of /proc/PID/stat. */
const ticksPerSecond = 100

beforeAll(async () => {
  const { status, stderr } = await virga(['image', 'pull'])
  expect(status, stderr).toBe(0)
}, pullMsMax)

describe('an idle machine', () => {
  // Compiled code, and what V8 makes of it, is what the second has besides.
  it.each([
    ['interpreter', 250],
    ['jit', 400],
  ] as const)(
    'costs little with the %s: under one percent of a core, under %d MiB',
    async (engine, mebibytesMax) => {
      const options = ['--memory', '512MiB', '--engine', engine, '--append', 'quiet']
      const session = start(virgaCommand, ['run', ...options])
      const { pid = 0 } = session.process
      await session.shows(/root@micro:~# /, 120_000)
      await sleep(settleMs)
      let busy = await busyShare(pid)
      for (let look = 1; busy >= busyMax && look < looksMax; look++) busy = await busyShare(pid)
      const residentMiB = residentBytes(pid) / 2 ** 20
      session.process.kill()
      await session.ended
      expect(busy).toBeLessThan(busyMax)
      expect(residentMiB).toBeLessThan(mebibytesMax)
    },
    testMsMax,
  )
})

/** Of a core, while it is looked at. */
async function busyShare(pid: number): Promise<number> {
  const before = processorTicks(pid)
  await sleep(observedMs)
  return (processorTicks(pid) - before) / ticksPerSecond / (observedMs / 1000)
}

/** User and system time of a process and all its threads. */
function processorTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}
