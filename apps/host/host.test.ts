/** The host as a library: what it keeps, and what becomes of machines. Scripted machines stand for running ones. */
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom, worldError } from '@virga/base'
import { describe, expect, it } from 'vitest'
import { Host } from './host.ts'
import { recordOf, Script, scriptedNetworks } from './testing/scripted-machine.ts'

async function open(state = mkdtempSync(join(tmpdir(), 'virga-host-'))) {
  const script = new Script()
  const lines: string[] = []
  const networks = scriptedNetworks()
  const opened = await Host.open({
    state,
    startMachine: script.start,
    networks,
    random: seededRandom(1),
    log: (line) => lines.push(line),
  })
  if (!opened.ok) throw new Error(opened.error.message)
  return { host: opened.value, script, lines, state, networks }
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

describe('networks of a host', () => {
  const net = (name: string) => ({ name, subnet: '10.0.0.0/28' })
  const inNetwork = (...interfaces: { network: string; address?: string; mac?: string }[]) => ({ interfaces })

  it('are kept, and made again', async () => {
    const { host, state, networks } = await open()
    await host.networks.create(net('b'))
    await host.networks.create({ ...net('a'), outside: { allow: ['127.0.0.1'] } })
    expect(await host.networks.create(net('a'))).toMatchObject(refused(/^there is a network a already/))
    expect([...networks.names]).toEqual(['b', 'a'])
    const again = await open(state)
    expect(again.host.networks.all()).toEqual(host.networks.all())
    expect([...again.networks.names]).toEqual(['a', 'b'])
  })

  it('give each interface an address and a MAC of its own, the same again in another network', async () => {
    const { host } = await open()
    for (const name of ['a', 'b']) await host.networks.create(net(name))
    const same = { address: '10.0.0.4', mac: '02:00:00:00:00:04' }
    for (const network of ['a', 'b'])
      expect(
        await host.create(recordOf(`${network}1`, { interfaces: [{ network, ...same }] })),
      ).toMatchObject({
        ok: true,
        value: { record: { interfaces: [{ network, ...same }] } },
      })
    const made = await host.create({ ...recordOf('a2'), ...inNetwork({ network: 'a' }, { network: 'a' }) })
    expect(made).toMatchObject({
      ok: true,
      value: { record: { interfaces: [{ address: '10.0.0.5' }, { address: '10.0.0.6' }] } },
    })
  })

  it.each([
    [{ network: 'c' }, /^there is no network c; /],
    [{ network: 'a', address: '10.0.0.4' }, /^10.0.0.4 is taken in network a; /],
    [{ network: 'a', mac: '02:00:00:00:00:04' }, /^02:00:00:00:00:04 is taken/],
    [{ network: 'a', address: '10.0.0.1' }, /^10.0.0.1 is no address for a machine in 10.0.0.0\/28/],
    [{ network: 'a', address: '10.0.0.15' }, /^10.0.0.15 is no address/],
    [{ network: 'a', address: '10.0.1.4' }, /^10.0.1.4 is no address/],
  ] as const)('refuse %j', async (wanted, why) => {
    const { host } = await open()
    await host.networks.create(net('a'))
    const first = { network: 'a', address: '10.0.0.4', mac: '02:00:00:00:00:04' }
    await host.create(recordOf('first', { interfaces: [first] }))
    expect(await host.create({ ...recordOf('web'), interfaces: [wanted] })).toMatchObject(refused(why))
    expect(host.machines()).toHaveLength(1)
  })

  it('end: addresses run out, and none is removed that a machine is in', async () => {
    const { host, networks } = await open()
    await host.networks.create(net('a'))
    for (let at = 4; at < 15; at++)
      expect((await host.create({ ...recordOf(`m${at}`), interfaces: [{ network: 'a' }] })).ok).toBe(true)
    const over = await host.create({ ...recordOf('over'), interfaces: [{ network: 'a' }] })
    expect(over).toMatchObject(refused(/^network a has no address left/))
    expect(await host.removeNetwork('a')).toMatchObject(
      refused(/^machine m10 is in network a; remove it first/),
    )
    for (const { record } of host.machines()) await host.remove(record.name, false)
    expect(await host.removeNetwork('a')).toEqual(fine)
    expect([networks.names.size, await host.removeNetwork('a')]).toMatchObject([
      0,
      refused(/^there is no network a/),
    ])
  })
})
