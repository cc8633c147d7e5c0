/** Guests that have gone wild: each ends, or loops alone and is ended from outside; the host goes on. */
import { describe, expect, it } from 'vitest'
import { failing, lost, passing, spinning, storming } from './bare-programs.ts'
import { newFolder, startInTerminal, virga, virgaCommand, writeProgram } from './virga.ts'

const folder = newFolder()
const devices = {
  finisher: 0x10_0000,
  rtc: 0x10_1000,
  aclint: 0x200_0000,
  plic: 0xc00_0000,
  uart: 0x1000_0000,
}
/** What starting and ending may take on top of a time limit, on a busy machine. */
const graceMs = 8000

describe('a bare program', () => {
  it.each([
    ['passes', passing, 0],
    ['fails with a number', failing, 7],
  ])('that %s gives its status', async (name, words, status) => {
    const ended = await virga(['run', '--bare', writeProgram(folder, name, words)])
    expect(ended).toMatchObject({ status, stdout: '', stderr: '' })
  })
})

describe('a guest that goes wild', () => {
  const { rtc, aclint, plic, uart } = devices
  const wild: readonly (readonly [string, readonly number[]])[] = [
    ['spins', spinning],
    ['jumps to nowhere with nowhere to trap to', lost],
    ['writes to its devices at random', storming([rtc, aclint, plic, uart])],
  ]

  it.each(wild)('and %s runs into its time limit, alone', async (name, words) => {
    const program = writeProgram(folder, name, words)
    const ended = await virga(['run', '--cpus', '2', '--bare', program, '--timeout', '1500ms'])
    expect(ended.stderr).toBe('virga: the machine ran into --timeout 1500ms and was ended\n')
    expect(ended.status).toBe(124)
    expect(ended.wallMs).toBeLessThan(1500 + graceMs)
  })

  it('and writes to its devices does reach them', async () => {
    const program = writeProgram(folder, 'storm', storming([rtc, aclint, plic, uart]))
    const ended = await virga(['run', '--bare', program, '--timeout', '1500ms', '--stats', 'json'])
    const { mmio, exceptions } = JSON.parse(ended.stderr.split('\n')[0] ?? '')
    expect(mmio.stores).toBeGreaterThan(1000)
    expect(exceptions['store access fault']).toBeGreaterThan(1000)
  })

  it.each(wild)('and %s is left by Ctrl-A x', async (name, words) => {
    const program = writeProgram(folder, name, words)
    const command = [...virgaCommand, 'run', '--bare', `'${program}'`].join(' ')
    const session = startInTerminal(`stty -g; ${command}; echo "status $?"; stty -g`)
    await session.shows(/^[0-9a-f:]+\r\n/)
    const settings = session.stdout.trim()
    // No sign of life comes from such a guest, so the keys are pressed until they are heard.
    const pressing = setInterval(() => session.type('\x01x'), 500)
    await session.shows(/virga: machine ended\r\n/)
    clearInterval(pressing)
    // The terminal is the shell's again, and may have echoed the last of the keys.
    await session.shows(/status 0\r\n/)
    const ended = await session.ended
    expect(ended.stdout.trimEnd().split('\r\n').at(-1)).toBe(settings)
  })
})
