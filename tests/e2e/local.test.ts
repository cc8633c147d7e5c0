/** Machines that go on without a terminal: a person's story from the first command to the last, and what must not go wrong. */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, virga } from './virga.ts'

const pullMsMax = 600_000
const bootMsMax = 240_000
const mib = 2 ** 20

beforeAll(async () => {
  const { status, stderr } = await virga(['image', 'pull'])
  expect(status, stderr).toBe(0)
}, pullMsMax)

/** Hosts that a test made: none is left behind. */
const homes: string[] = []
afterEach(async () => {
  for (const home of homes.splice(0)) await local(home, 'shutdown')
})

function newHome(): string {
  // Short, since a socket is in it.
  const home = mkdtempSync(join(tmpdir(), 'virga-'))
  homes.push(home)
  return home
}

function local(home: string, ...args: string[]): Promise<Ended> {
  return virga(['local', ...args], { environment: { XDG_STATE_HOME: home } })
}

const said = (stdout: string) => ({ status: 0, stderr: '', stdout })
const refused = (line: RegExp) => ({ status: 2, stdout: '', stderr: expect.stringMatching(line) })

async function processOf(home: string): Promise<number> {
  return Number.parseInt(readFileSync(join(home, 'virga/local/host.lock'), 'utf8'), 10)
}

/** Waits until a console shows something; fails after a minute. */
async function shows(home: string, name: string, pattern: RegExp): Promise<void> {
  await expect
    .poll(async () => (await local(home, 'console', name, '--print')).stdout, {
      timeout: 60_000,
      interval: 500,
    })
    .toMatch(pattern)
}

describe('a machine without a terminal', () => {
  it(
    'is made, spoken to, paused, stopped, started again and removed',
    async () => {
      const home = newHome()
      const disk = join(home, 'data.img')
      writeFileSync(disk, new Uint8Array(mib))
      expect(await local(home, 'list')).toMatchObject(said(expect.stringContaining('there is no machine')))
      const start = await local(home, 'start', 'web', '--cpus', '2', '--memory', '256MiB', '--disk', disk)
      expect(start).toMatchObject(said('machine web runs; its console: virga local console web\n'))
      await shows(home, 'web', /# /)
      const typed = await virga(['local', 'console', 'web'], {
        environment: { XDG_STATE_HOME: home },
        input: 'nproc; echo kept | dd of=/dev/vda conv=sync 2>/dev/null; sync\n',
      })
      expect(typed.stdout).toMatch(/\n2\r\n/)

      const top = await virga(['top', '--once', '-o', 'json'], { environment: { XDG_STATE_HOME: home } })
      expect(JSON.parse(top.stdout)).toMatchObject([
        { name: 'web', state: 'running', cpus: 2, busy: [expect.any(Number), expect.any(Number)] },
      ])
      expect(await local(home, 'pause', 'web')).toMatchObject(said('machine web is paused\n'))
      const [before, after] = [
        await local(home, 'list', '-o', 'json'),
        await local(home, 'list', '-o', 'json'),
      ]
      const [first, second] = [JSON.parse(before.stdout)[0], JSON.parse(after.stdout)[0]]
      expect([first.state, second.use.instructions]).toEqual(['paused', first.use.instructions])
      expect(await local(home, 'pause', 'web')).toMatchObject(
        refused(/^virga: machine web is paused already\n$/),
      )
      expect(await local(home, 'resume', 'web')).toMatchObject(said('machine web runs\n'))
      expect(await local(home, 'rm', 'web')).toMatchObject(refused(/^virga: machine web runs; stop it first/))

      expect(await local(home, 'stop', 'web')).toMatchObject(said('machine web is off\n'))
      expect(readFileSync(disk, 'latin1').slice(0, 5)).toBe('kept\n')
      expect(await local(home, 'start', 'web', '--cpus', '1')).toMatchObject(refused(/without options/))
      expect((await local(home, 'start', 'web')).status).toBe(0)
      const other = await local(home, 'start', 'db', '--disk', disk)
      expect(other).toMatchObject(refused(/^virga: machine web is using .*data\.img; stop it first/))
      // What it printed before it was stopped is still there.
      await shows(home, 'web', /Enter 'help'[\s\S]*Enter 'help'[\s\S]*# /)
      const off = await virga(['local', 'console', 'web'], {
        environment: { XDG_STATE_HOME: home },
        input: 'poweroff -f\n',
      })
      expect(off.status).toBe(0)
      await expect
        .poll(async () => (await local(home, 'list')).stdout, { timeout: 30_000 })
        .toMatch(/web +off/)
      expect(await local(home, 'rm', 'web')).toMatchObject(said('machine web is removed\n'))
      expect((await local(home, 'list', '-o', 'json')).stdout).toBe('[]\n')

      const pid = await processOf(home)
      expect(await local(home, 'shutdown')).toMatchObject(said('the host has ended\n'))
      expect(existsSync(join(home, 'virga/local/host.sock'))).toBe(false)
      await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
    },
    bootMsMax,
  )

  it(
    'is off, and there, after its host was killed',
    async () => {
      const home = newHome()
      expect((await local(home, 'start', 'web')).status).toBe(0)
      process.kill(await processOf(home), 'SIGKILL')
      await sleep(100)
      expect(JSON.parse((await local(home, 'list', '-o', 'json')).stdout)).toMatchObject([{ state: 'off' }])
      writeFileSync(join(home, 'virga/local/machines/bad.json'), '{')
      await local(home, 'shutdown')
      const list = await local(home, 'list')
      expect(list.stdout).toMatch(/web +off/)
      expect(list.stderr).toMatch(/^virga: .*bad\.json is no record of this version .*\n$/)
      expect((await local(home, 'rm', 'web')).status).toBe(0)
    },
    bootMsMax,
  )

  it('is refused when it cannot be, and then nothing is kept of it', async () => {
    const home = newHome()
    for (const [args, line] of [
      [['Web'], /^virga: 'Web': is no name/],
      [['web', '--cpus', '65'], /^virga: --cpus 65/],
      [['web', '--cpus', 'two'], /^virga: --cpus takes a whole number/],
      [['web', '--memory', '9GiB'], /^virga: --memory 9GiB/],
      [['web', '--initrd', 'x'], /^virga: --initrd goes with --kernel/],
      [['web', '--kernel', '/nowhere/Image'], /^virga: there is no file \/nowhere\/Image; check the path\n$/],
      [['web', '--disk', '/nowhere.img'], /^virga: there is no file \/nowhere\.img; check the path\n$/],
    ] as const)
      expect(await local(home, 'start', ...args)).toMatchObject(refused(line))
    expect((await local(home, 'list', '-o', 'json')).stdout).toBe('[]\n')
    expect(await local(home, 'stop', 'web')).toMatchObject(refused(/^virga: there is no machine web; /))
  })

  it('has one host, whoever asks at once', async () => {
    const home = newHome()
    const lists = await Promise.all([1, 2, 3].map(() => local(home, 'list', '-o', 'json')))
    expect(lists.map(({ status, stdout, stderr }) => [status, stdout, stderr])).toEqual(
      lists.map(() => [0, '[]\n', '']),
    )
    const log = await local(home, 'log')
    expect(log.stdout.match(/the host serves at/g)).toHaveLength(1)
  })
})

/** What is left of a process that has ended, until somebody asks after it, is not alive. */
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] !== 'Z'
  } catch {
    return false
  }
}
