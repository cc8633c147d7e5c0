/** Debian with far less room for compiled code than it has hot code: it stays right, and within its bounds. */

import { createHash } from 'node:crypto'
import { beforeAll, expect, it } from 'vitest'
import { openBoot } from '../../apps/cli/boot-files.ts'
import { runMachine } from '../framework/run-machine.ts'
import { virga } from './virga.ts'

const memoryBytes = 512 * 2 ** 20
const pullMsMax = 600_000
const runMsMax = 240_000
/** A quarter of what this boot would have in place. */
const bounds = { regionsMax: 700, epochInstructions: 20e6 }
/** Requests under way when a bound is reached are answered still, each with some regions. */
const slack = 300

const commands = [
  'i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done',
  'dd if=/dev/zero bs=1M count=4 2>/dev/null | sha256sum',
  'dd if=/dev/zero bs=1M count=4 2>/dev/null | gzip | gzip -d | md5sum',
  'seq 1 3000 | sort -r | awk "{ s += \\$1 } END { print s }"',
]

beforeAll(async () => {
  expect((await virga(['image', 'pull', 'micro'])).status).toBe(0)
}, pullMsMax)

it(
  'a boot and programs, again and again',
  async () => {
    const opened = await openBoot(
      { image: 'micro', exec: [...commands, ...commands].join('; ') },
      memoryBytes,
      true,
    )
    if (!opened.ok) throw new Error(opened.error.message)
    const run = { boot: opened.value.boot, engine: 'jit', memoryBytes, timeoutMs: runMsMax, bounds } as const
    const { outcome, output, statistics } = await runMachine(run)

    const zeros = Buffer.alloc(4 << 20)
    const once = [
      `${createHash('sha256').update(zeros).digest('hex')}  -`,
      `${createHash('md5').update(zeros).digest('hex')}  -`,
      '4501500',
    ]
    expect(new TextDecoder().decode(output).trim().split(/\r?\n/)).toEqual([...once, ...once])
    expect(outcome).toMatchObject({ kind: 'power-off', status: 0 })
    const { regions, dropped, tiers } = statistics.jit
    expect(dropped).toBeGreaterThan(bounds.regionsMax)
    expect(regions - dropped).toBeLessThan(bounds.regionsMax + slack)
    expect(tiers.compiledShare).toBeGreaterThan(0.5)
  },
  runMsMax,
)
