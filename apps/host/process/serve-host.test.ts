/** The host's process and its clients, over a real socket. Scripted machines stand for running ones. */
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { findHost } from '../client/find-host.ts'
import type { HostClient } from '../client/host-client.ts'
import { hostFolders } from '../records/host-folders.ts'
import { recordOf, Script, scriptedNetworks } from '../testing/scripted-machine.ts'
import { serveHost } from './serve-host.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A home of its own for a host. */
function newEnvironment() {
  const environment = { XDG_STATE_HOME: mkdtempSync(join(tmpdir(), 'virga-serve-')) }
  const folders = hostFolders(environment)
  if (!folders.ok) throw new Error(folders.error.message)
  return { environment, ...folders.value }
}

function serve(environment: NodeJS.ProcessEnv, idleMs = 60_000) {
  const script = new Script()
  const end = Promise.withResolvers<void>()
  ends.push(end.resolve)
  const log = () => undefined
  const served = serveHost({
    environment,
    startMachine: script.start,
    networks: scriptedNetworks(),
    log,
    idleMs,
    ended: end.promise,
  })
  return { script, served, end: end.resolve }
}

async function clientOf(environment: NodeJS.ProcessEnv): Promise<HostClient> {
  for (;;) {
    const found = await findHost(environment)
    if (!found.ok) throw new Error(found.error.message)
    if (found.value !== undefined) return found.value
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function served() {
  const home = newEnvironment()
  const host = serve(home.environment)
  return { ...home, ...host, client: await clientOf(home.environment) }
}

/** Reads until it has come to match. */
async function reads(socket: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    if (pattern.test(text)) break
  }
  return text
}

describe('a host’s process', () => {
  it('is one, however many begin at once', async () => {
    const { environment } = newEnvironment()
    const hosts = [serve(environment), serve(environment), serve(environment)]
    await clientOf(environment)
    const first = await Promise.race(hosts.map(({ served }) => served))
    expect(first).toEqual({ ok: true, value: false })
    for (const { end } of hosts) end()
    const results = await Promise.all(hosts.map(({ served }) => served))
    expect(results.map((result) => result.ok && result.value).sort()).toEqual([false, false, true])
  })

  it('takes the place of one that was killed, and leaves nothing behind', async () => {
    const { environment, socket, lock } = newEnvironment()
    const dead = serve(environment)
    await clientOf(environment)
    dead.end()
    await dead.served
    writeFileSync(lock, '999999 1')
    // A socket file of a process that is gone: bound once, and nobody listens.
    const bound = createServer().listen(socket)
    await new Promise((resolve) => bound.once('listening', resolve))
    // A server that is closed removes its file, one that is killed does not.
    renameSync(socket, `${socket}.kept`)
    bound.close()
    renameSync(`${socket}.kept`, socket)
    const next = serve(environment)
    await clientOf(environment)
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    next.end()
    expect(await next.served).toEqual({ ok: true, value: true })
    expect([existsSync(socket), existsSync(lock)]).toEqual([false, false])
    rmSync(dirname(socket), { recursive: true })
  })

  it('ends when no machine runs and nobody is connected, and not before', async () => {
    const { environment } = newEnvironment()
    const host = serve(environment, 100)
    const client = await clientOf(environment)
    await client.create(recordOf('web'))
    await client.move('web', 'start')
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await client.machine('web')).toMatchObject({ ok: true, value: { state: 'running' } })
    host.script.last.end({ kind: 'power-off', status: 0 })
    expect(await host.served).toEqual({ ok: true, value: true })
  })

  it('ends its machines when it is asked to end', async () => {
    const { client, script, served: end } = await served()
    await client.create(recordOf('web'))
    await client.move('web', 'start')
    expect(await client.shutdown()).toEqual({ ok: true, value: {} })
    expect(await end).toEqual({ ok: true, value: true })
    expect(script.last.heard).toEqual(['stop'])
    expect(await client.machines()).toMatchObject({ ok: false, error: { message: /^no host runs/ } })
  })

  it('refuses a home whose path no socket can have', () => {
    const refused = hostFolders({ XDG_STATE_HOME: `/${'long/'.repeat(20)}` })
    expect(refused).toMatchObject({ ok: false, error: { message: /XDG_STATE_HOME/ } })
  })
})

describe('a client', () => {
  it('takes a machine through its life', async () => {
    const { client } = await served()
    expect(await client.create(recordOf('web'))).toMatchObject({ ok: true, value: { state: 'off' } })
    for (const [move, state] of [
      ['start', 'running'],
      ['pause', 'paused'],
      ['resume', 'running'],
    ] as const) {
      expect(await client.move('web', move)).toEqual({ ok: true, value: {} })
      expect(await client.machine('web')).toMatchObject({
        ok: true,
        value: { state, use: { instructions: 1000, memoryBytes: 12288 } },
      })
    }
    await client.move('web', 'stop')
    expect(await client.machines()).toMatchObject({
      ok: true,
      value: { machines: [{ record: recordOf('web'), state: 'off' }], faults: [] },
    })
    expect(await client.remove('web', false)).toEqual({ ok: true, value: {} })
    expect(await client.machines()).toEqual({ ok: true, value: { machines: [], faults: [] } })
  })

  it('gets the host’s own line for what is refused', async () => {
    const { client } = await served()
    const message = /^there is no machine db; /
    expect(await client.move('db', 'stop')).toMatchObject({ ok: false, error: { fault: 'user', message } })
    expect(await client.console('db')).toMatchObject({ ok: false, error: { fault: 'user', message } })
    const bad = await client.create(recordOf('Bad Name'))
    expect(bad).toMatchObject({ ok: false, error: { fault: 'user', message: /^name is no name: / } })
  })

  it('reads what a console printed before and prints now, and types', async () => {
    const { client, script } = await served()
    await client.create(recordOf('web'))
    await client.move('web', 'start')
    await script.last.print('login: ')
    const console = await client.console('web')
    if (!console.ok) throw new Error(console.error.message)
    console.value.write('root\n')
    expect(await reads(console.value, /ROOT\n/)).toBe('login: ROOT\n')
  })

  it('is let go by a console whose machine has ended', async () => {
    const { client, script } = await served()
    await client.create(recordOf('web'))
    await client.move('web', 'start')
    const console = await client.console('web')
    if (!console.ok) throw new Error(console.error.message)
    await script.last.print('bye')
    script.last.end({ kind: 'power-off', status: 0 })
    expect(await reads(console.value, /never/)).toBe('bye')
  })
})
