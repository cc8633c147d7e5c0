/** A profile of the host names guest functions: what `virga run --perf-map` leaves for `perf`, and for --cpu-prof. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildElf } from '../../packages/vmm/boot/elf-fixture.ts'
import { newFolder, start, virgaCommand } from './virga.ts'

const folder = newFolder()
const bootMsMax = 120_000

/** Counts down from 2³¹ in `countdown`, which takes the interpreter several seconds, then passes by the finisher. */
const counting = [
  0x7ffff2b7, // lui t0, 0x7ffff
  0xfff28293, // addi t0, t0, -1
  0xfe029ee3, // bne t0, x0, -4
  0x001002b7, // lui t0, 0x100
  0x00005337, // lui t1, 5
  0x5553031b, // addiw t1, t1, 0x555
  0x0062a023, // sw t1, 0(t0)
  0x0000006f, // jal x0, .
]
const program = join(folder, 'counting.elf')
writeFileSync(
  program,
  buildElf({
    segments: [{ physical: 0x8000_0000, bytes: new Uint8Array(Uint32Array.from(counting).buffer) }],
    symbols: { _start: 0x8000_0000, countdown: 0x8000_0004, pass: 0x8000_000c },
  }),
)

/** Runs it to its end; the map that V8 wrote, which is taken away, or undefined. */
async function mapOf(args: readonly string[]): Promise<string | undefined> {
  const running = start(virgaCommand, args, { folder })
  running.process.stdin?.end()
  expect(await running.ended).toMatchObject({ status: 0, stderr: '' })
  const path = `/tmp/perf-${running.process.pid}.map`
  if (!existsSync(path)) return undefined
  const map = readFileSync(path, 'latin1')
  rmSync(path)
  return map
}

/** Names of compiled guest code in a map, without what V8 adds. */
function guestNames(map: string | undefined): string[] {
  return [...(map ?? '').matchAll(/^[0-9a-f]+ [0-9a-f]+ JS:([USM]:\S+)-\d+-(?:liftoff|turbofan)$/gm)].map(
    ([, name = '']) => name,
  )
}

describe('a map for perf', () => {
  it('has the symbols of a bare program', async () => {
    expect(guestNames(await mapOf(['run', '--bare', program, '--perf-map']))).toContain('M:countdown')
  })

  it('is not written unless it is asked for', async () => {
    expect(await mapOf(['run', '--bare', program])).toBeUndefined()
  })

  it(
    "has the symbols of Debian's kernel, wherever it has put itself, and addresses of programs",
    async () => {
      const names = guestNames(await mapOf(['run', '--exec', 'true', '--perf-map']))
      const functions = new Set(names.map((name) => name.replace(/\+0x[0-9a-f]+/, '')))
      // A boot hashes, formats and copies: these are hot in all of them.
      expect(functions).toContain('S:keccakf_round')
      expect(functions).toContain('S:vsnprintf')
      expect(names.some((name) => /^U:0x[0-9a-f]+$/.test(name))).toBe(true)
      const unnamed = names.filter((name) => name.startsWith('S:0x'))
      expect(unnamed.length).toBeLessThan(names.length / 10)
    },
    bootMsMax,
  )
})

describe("a profile of Node's own", () => {
  it('has the same names', async () => {
    const [node = '', door = ''] = virgaCommand
    const profiled = [node, '--cpu-prof', `--cpu-prof-dir=${folder}`, door]
    const running = start(profiled, ['run', '--bare', program, '--perf-map'], { folder })
    running.process.stdin?.end()
    expect(await running.ended).toMatchObject({ status: 0 })
    rmSync(`/tmp/perf-${running.process.pid}.map`)
    const profiles = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
    const text = profiles.map((name) => readFileSync(join(folder, name), 'utf8')).join()
    expect(text).toContain('"functionName":"M:countdown"')
  })
})
