/** `virga run --engine lockstep`: the guest's status and output are those of any engine, and both engines ran. */
import { describe, expect, it } from 'vitest'
import { counting, failing, passing, storming } from './bare-programs.ts'
import { newFolder, virga, writeProgram } from './virga.ts'

const folder = newFolder()
const lockstep = (name: string, words: readonly number[], ...more: readonly string[]) =>
  virga(['run', '--engine', 'lockstep', '--bare', writeProgram(folder, name, words), ...more])

describe('lockstep', () => {
  it.each([
    ['passes', passing, 0],
    ['fails with a number', failing, 7],
  ])('gives the status of a program that %s', async (name, words, status) => {
    expect(await lockstep(name, words)).toMatchObject({ status, stdout: '', stderr: '' })
  })

  it('compares compiled code', async () => {
    const { status, stderr } = await lockstep('counting', counting, '--stats', 'json')
    const { instructions, jit } = JSON.parse(stderr)
    expect(status).toBe(0)
    expect(instructions).toBeGreaterThan(2_000_000)
    expect(jit.tiers.compiled).toBeGreaterThan(1_000_000)
  })

  it('finds nothing in a storm of device accesses', async () => {
    const devices = [0x10_1000, 0x200_0000, 0xc00_0000, 0x1000_0000] as const
    const { status, stderr } = await lockstep('storm', storming(devices), '--timeout', '1500ms')
    expect(stderr).toBe('virga: the machine ran into --timeout 1500ms and was ended\n')
    expect(status).toBe(124)
  })
})
