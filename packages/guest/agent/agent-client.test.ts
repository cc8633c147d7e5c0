/** The agent's two sides: the client with the guest's own script on the host's shell, and with guests that lie. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeGuestRoot } from '../testing/guest-root.ts'
import { AgentClient, type ReadyNotice } from './agent-client.ts'

describe('the client and the guest’s script', () => {
  let agent: ChildProcess
  let client: AgentClient
  let run: string
  let notices: ReadyNotice[]

  beforeEach(() => {
    run = fs.mkdtempSync(join(tmpdir(), 'virga-agent-'))
    // A process group of its own: the script ends by ending its group.
    agent = spawn(join(makeGuestRoot(fs, tmpdir()), 'usr/lib/virga/agent'), {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, VIRGA_RUN: run },
    })
    notices = []
    client = new AgentClient(
      (bytes) => void agent.stdin?.write(bytes),
      (notice) => void notices.push(notice),
    )
    agent.stdout?.on('data', (bytes: Buffer) => client.receive(bytes))
    agent.on('exit', () => client.end())
  })
  afterEach(async () => {
    agent.stdin?.end()
    if (agent.exitCode === null && agent.signalCode === null) {
      await new Promise((resolve) => agent.on('exit', resolve))
    }
  })

  const text = async (command: string, input?: string) => {
    const ran = await client.run(
      command,
      input === undefined ? {} : { input: new TextEncoder().encode(input) },
    )
    if (!ran.ok) return ran.error.message
    const { status, stdout, stderr } = ran.value
    return [status, new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)]
  }

  it('run a command, with both outputs and its status', async () => {
    expect(await text('echo one; echo two >&2; exit 7')).toEqual([7, 'one\n', 'two\n'])
    expect(await text('tr a-z A-Z', 'quiet')).toEqual([0, 'QUIET', ''])
    expect(await text('kill -KILL $$')).toEqual([137, '', expect.anything()])
  })

  it('pass any bytes, more than are under way at a time, and to a command that reads none', async () => {
    const input = randomBytes(90_000)
    const echoed = await client.run('cat', { input })
    expect(echoed.ok && Buffer.compare(echoed.value.stdout, input)).toBe(0)
    expect(await text('exit 3', 'x'.repeat(100_000))).toEqual([3, '', ''])
    expect(await text('echo still there')).toEqual([0, 'still there\n', ''])
  })

  it('run commands side by side, of which none waits for another', async () => {
    const slow = text(`while [ ! -e ${run}/go ]; do sleep 0.05; done; echo slow`)
    expect(await text('echo quick')).toEqual([0, 'quick\n', ''])
    fs.writeFileSync(join(run, 'go'), '')
    expect(await slow).toEqual([0, 'slow\n', ''])
  })

  it('copy files in and out', async () => {
    const path = join(run, "it's a file")
    const bytes = randomBytes(30_000)
    expect(await client.writeFile(path, bytes, 0o640)).toEqual({ ok: true, value: undefined })
    expect([Buffer.compare(fs.readFileSync(path), bytes), fs.statSync(path).mode & 0o777]).toEqual([0, 0o640])
    const back = await client.readFile(path, 30_000)
    expect(back.ok && Buffer.compare(back.value, bytes)).toBe(0)
    expect(await client.readFile(path, 29_999)).toMatchObject({ ok: false })
    expect(await client.readFile(join(run, 'none'), 100)).toMatchObject({
      error: { message: expect.stringMatching(/none in the machine: cat: .*No such file/) },
    })
    fs.mkdirSync(join(run, 'folder'))
    expect(await client.writeFile(join(run, 'none/file'), bytes, 0o600)).toMatchObject({ ok: false })
  })

  it('tell when the machine is ready, once', async () => {
    fs.writeFileSync(join(run, 'ready'), 'hostname=web instance=7 address=eth0/10.0.0.2/24\n')
    await expect.poll(() => notices).toHaveLength(1)
    expect(notices).toEqual([{ hostname: 'web', instance: '7', addresses: ['eth0/10.0.0.2/24'] }])
    expect(await text('true')).toEqual([0, '', ''])
    expect(notices).toHaveLength(1)
  })

  it('end what runs when the host goes', async () => {
    const pid = join(run, 'pid')
    const running = text(`echo $$ > ${pid}.part; mv ${pid}.part ${pid}; exec sleep 100`)
    await expect.poll(() => fs.statSync(pid, { throwIfNoEntry: false })?.size).toBeGreaterThan(0)
    agent.stdin?.end()
    expect(await running).toMatch(/the connection to the agent is gone; what the command did is not known/)
    const isRunning = (): boolean => {
      const [, state] = /\) (\w)/.exec(readStat(fs.readFileSync(pid, 'utf8').trim())) ?? []
      return state !== undefined && state !== 'Z'
    }
    await expect.poll(isRunning).toBe(false)
  })
})

/** What the kernel says of a process; nothing when there is none. */
function readStat(pid: string): string {
  const path = `/proc/${pid}/stat`
  return fs.statSync(path, { throwIfNoEntry: false }) === undefined ? '' : fs.readFileSync(path, 'utf8')
}

describe('a guest that lies', () => {
  const sent: string[] = []
  const make = () => {
    sent.length = 0
    return new AgentClient(
      (bytes) => void sent.push(new TextDecoder().decode(bytes)),
      () => undefined,
    )
  }
  const say = (client: AgentClient, line: string) => client.receive(new TextEncoder().encode(`${line}\n`))

  it('of sessions that are not there is not heard', async () => {
    const client = make()
    const running = client.run('true')
    for (const line of ['exit 9 0', 'out 9 YWJj', 'ack 9 5', 'exit 0 0', 'nonsense']) say(client, line)
    say(client, 'exit 1 4')
    say(client, 'exit 1 5')
    expect(await running).toMatchObject({ value: { status: 4, stdout: new Uint8Array(0) } })
  })

  it('about what it took gets no more than the input, and no second end', async () => {
    const client = make()
    const running = client.run('cat', { input: new Uint8Array(50_000) })
    const inputBytes = () =>
      sent.reduce((sum, message) => sum + Number(/^in 1 (\d+)/.exec(message)?.[1] ?? 0), 0)
    expect(inputBytes()).toBe(32_768)
    for (let count = 0; count < 5; count++) say(client, 'ack 1 99999')
    expect(inputBytes()).toBe(50_000)
    expect(sent.filter((message) => message.startsWith('end'))).toEqual(['end 1 0\n'])
    say(client, 'exit 1 0')
    expect(await running).toMatchObject({ ok: true })
  })

  it('and talks without end is kept to the bound', async () => {
    const client = make()
    const running = client.run('yes', { outputBytesMax: 10 })
    for (let count = 0; count < 1000; count++) say(client, 'out 1 YWJjYWJj')
    say(client, 'exit 1 0')
    expect(await running).toMatchObject({ error: { message: expect.stringMatching(/more than 10 bytes/) } })
  })

  it('by starting again ends what ran, and not by greeting twice', async () => {
    const client = make()
    say(client, 'hello 0 1 a')
    const running = client.run('true')
    say(client, 'hello 0 1 a')
    say(client, 'exit 1 0')
    expect(await running).toMatchObject({ ok: true })
    const lost = client.run('true')
    say(client, 'hello 0 1 b')
    expect(await lost).toMatchObject({ error: { message: expect.stringMatching(/began anew/) } })
    client.end()
    expect(await client.run('true')).toMatchObject({ ok: false })
  })

  it('in an error message shows no control characters', async () => {
    const client = make()
    const reading = client.readFile('/x', 100)
    say(client, `err 1 ${btoa('\u001b[2Jgone\n')}`)
    say(client, 'exit 1 1')
    expect(await reading).toMatchObject({ error: { message: '/x in the machine: ?[2Jgone' } })
  })

  it('is asked for sixteen commands at a time, and short ones', async () => {
    const client = make()
    const running = Array.from({ length: 16 }, () => client.run('true'))
    expect(await client.run('true')).toMatchObject({ ok: false })
    for (let id = 1; id <= 16; id++) say(client, `exit ${id} 0`)
    expect(await Promise.all(running)).toHaveLength(16)
    expect(await client.run('x'.repeat(20_000))).toMatchObject({ ok: false })
  })
})
