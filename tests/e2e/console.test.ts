/** A person at a terminal: keys, escape keys, powering off, starting again. */
import { beforeAll, describe, expect, it } from 'vitest'
import { startInTerminal, virga, virgaCommand } from './virga.ts'

const pullMsMax = 600_000
const sessionMsMax = 180_000

beforeAll(async () => {
  const { status, stderr } = await virga(['image', 'pull'])
  expect(status, stderr).toBe(0)
}, pullMsMax)

// The terminal adds a carriage return to the guest's own: lines end in one or two.
const prompt = /root@micro:~# /

describe('a person at a terminal', () => {
  it(
    'types commands, interrupts one, asks for help, restarts the machine and powers it off',
    async () => {
      const command = `stty rows 30 cols 90; stty -g; ${virgaCommand.join(' ')} run --append quiet; echo "status $?"; stty -g`
      const session = startInTerminal(command)
      await session.shows(/^[0-9a-f:]+\r+\n/)
      const settings = session.stdout.trim()

      await session.shows(prompt)
      session.type('echo "$TERM-$(stty size)-$((40 + 2))"\r')
      await session.shows(/-30 90-42\r+\n/)
      await session.shows(prompt)

      // The program that says it has begun is the one to be interrupted: between two of them, the key could reach
      // neither the line editor nor the next program.
      session.type('sh -c \'echo be""gun; exec cat > /dev/null\'\r')
      await session.shows(/\nbegun\r+\n/)
      session.type('\x03')
      await session.shows(/\^C\r+\n/)
      await session.shows(prompt)

      session.type('ecj\b\bcho lines\x1b[D\x1b[D\x1b[D\x1b[D\x1b[Dedited \r')
      await session.shows(/\nedited lines\r+\n/)
      await session.shows(prompt)

      session.type('\x01h')
      await session.shows(/Ctrl-A x +end the machine and leave/)

      session.type('reboot\r')
      await session.shows(/reboot: Restarting system/)
      await session.shows(prompt)
      session.type('poweroff\r')
      await session.shows(/virga: the machine powered off\r\nstatus 0\r+\n/)
      expect((await session.ended).stdout.trimEnd().split('\r\n').at(-1)).toBe(settings)
    },
    sessionMsMax,
  )
})

describe('a terminal', () => {
  it('is given back as it was when the program is told to end', async () => {
    const command = `stty -g; sh -c 'echo "pid $$"; exec ${virgaCommand.join(' ')} run'; echo "status $?"; stty -g`
    const session = startInTerminal(command)
    await session.shows(/pid (\d+)\r+\n/)
    const [settings = '', pidLine = ''] = session.stdout.split('\r\n')
    await session.shows(/Linux version/)
    process.kill(Number(pidLine.slice(4)), 'SIGTERM')
    await session.shows(/status 143\r+\n/)
    expect((await session.ended).stdout.trimEnd().split('\r\n').at(-1)).toBe(settings)
  })
})
