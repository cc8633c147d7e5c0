/** The host as a library: what it keeps, and what becomes of machines. Scripted machines stand for running ones. */
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { worldError } from '@virga/base'
import { describe, expect, it } from 'vitest'
import { Host } from './host.ts'
import { recordOf, Script } from './testing/scripted-machine.ts'

async function open(state = mkdtempSync(join(tmpdir(), 'virga-host-'))) {
  const script = new Script()
  const lines: string[] = []
  const opened = await Host.open({ state, startMachine: script.start, log: (line) => lines.push(line) })
  if (!opened.ok) throw new Error(opened.error.message)
  return { host: opened.value, script, lines, state }
}

const fine = { ok: true, value: undefined }
const refused = (text: RegExp) => ({ ok: false, error: { message: expect.stringMatching(text) } })

describe('a host', () => {
  it('keeps machines over its own end, as off', async () => {
    const { host, state } = await open()
    const record = recordOf('web', { append: 'quiet' })
    await host.create(record)
    expect(await host.start('web')).toEqual(fine)
    const { host: next } = await open(state)
    expect(next.machines().map((machine) => [machine.record, machine.state])).toEqual([[record, 'off']])
  })

  it('refuses a second machine of a name, and one that is not there', async () => {
    const { host } = await open()
    await host.create(recordOf('web'))
    expect(await host.create(recordOf('web'))).toMatchObject(refused(/^there is a machine web already; /))
    expect(await host.start('db')).toMatchObject(refused(/^there is no machine db; /))
  })

  it('removes a machine with its record, when it is off or by force', async () => {
    const { host, state, script } = await open()
    await host.create(recordOf('web'))
    await host.start('web')
    expect(await host.remove('web', false)).toMatchObject(refused(/^machine web runs; stop it first/))
    expect(await host.remove('web', true)).toEqual(fine)
    expect([host.machines(), readdirSync(join(state, 'machines'))]).toEqual([[], []])
    expect(script.last.heard).toEqual(['stop'])
  })

  it.each([
    ['powers off', { kind: 'power-off', status: 0 }, 'off', undefined],
    ['powers off with a status', { kind: 'power-off', status: 3 }, 'off', 'powered off with status 3'],
    ['fails', { kind: 'failed', message: 'it broke' }, 'failed', 'it broke'],
  ] as const)('tells of a guest that %s', async (_, outcome, state, note) => {
    const { host, script } = await open()
    await host.create(recordOf('web'))
    await host.start('web')
    script.last.end(outcome)
    const [machine] = host.machines()
    await machine?.settled()
    expect([machine?.state, machine?.note, host.activeCount]).toEqual([state, note, 0])
    expect(await host.start('web')).toEqual(fine)
    expect(machine?.note).toBeUndefined()
  })

  it('starts a guest again that reboots, and not one that is being stopped', async () => {
    const { host, script } = await open()
    await host.create(recordOf('web'))
    await host.start('web')
    script.last.end({ kind: 'reboot' })
    await expect.poll(() => script.machines.length).toBe(2)
    const [machine] = host.machines()
    await expect.poll(() => machine?.state).toBe('running')
    script.last.stop = () => script.last.end({ kind: 'reboot' })
    expect(await machine?.stop()).toEqual(fine)
    expect([machine?.state, script.machines.length]).toEqual(['off', 2])
  })

  it('tells why a machine cannot start, and lets it be tried again', async () => {
    const { host, script } = await open()
    await host.create(recordOf('web'))
    script.refusal = worldError('no kernel')
    expect(await host.start('web')).toMatchObject(refused(/^no kernel$/))
    expect(host.machines()[0]).toMatchObject({ state: 'failed', note: 'no kernel' })
    script.refusal = undefined
    expect(await host.start('web')).toEqual(fine)
  })

  it('makes moves in the order they were asked for', async () => {
    const { host, script } = await open()
    await host.create(recordOf('web'))
    await host.start('web')
    const [machine] = host.machines()
    const both = await Promise.all([machine?.pause(), machine?.resume(), machine?.pause(), machine?.pause()])
    expect(both.map((result) => result?.ok)).toEqual([true, true, true, false])
    expect(script.last.heard).toEqual(['pause', 'resume', 'pause'])
  })

  it('lets no two machines run on a disk that one of them writes', async () => {
    const { host } = await open()
    const disk = (access: 'read' | 'write') => ({
      disks: [{ path: '/data.img', access, format: 'raw' as const, id: 'data' }],
    })
    await host.create(recordOf('web', disk('write')))
    await host.create(recordOf('db', disk('read')))
    await host.start('web')
    expect(await host.start('db')).toMatchObject(refused(/^machine web is using \/data.img; stop it first/))
    await host.machines()[1]?.stop()
    expect(await host.start('db')).toEqual(fine)
    expect(await host.start('web')).toMatchObject(refused(/^machine db is using/))
  })

  it('ends every machine when it is closed', async () => {
    const { host, script, lines } = await open()
    for (const name of ['a', 'b']) await host.create(recordOf(name))
    await host.start('a')
    const starting = host.start('b')
    await host.close()
    expect(await starting).toEqual(fine)
    expect([host.activeCount, script.machines.map(({ heard }) => heard)]).toEqual([0, [['stop'], ['stop']]])
    expect(lines).toContain('machine a is off')
  })
})
