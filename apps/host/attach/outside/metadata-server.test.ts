/** Metadata: each machine is told of itself, and of no other. */
import { duplexPair } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type Instance, MetadataServer } from './metadata-server.ts'

const web: Instance = {
  instanceId: '7',
  hostName: 'web',
  publicKeys: ['ssh-ed25519 AAAA a "b"', 'ssh-rsa BBBB'],
  localAddress: '10.0.0.4',
  userData: '#!/bin/sh\necho ünï\n',
}

/** What a machine at `port` gets, as status and body. */
async function get(server: MetadataServer, port: string, path: string): Promise<[number, string]> {
  const [ours, theirs] = duplexPair()
  server.serve(port, theirs)
  ours.write(`GET ${path} HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n`)
  let text = ''
  for await (const chunk of ours.setEncoding('utf8')) text += chunk
  const [head = '', body = ''] = text.split('\r\n\r\n')
  return [Number(head.split(' ')[1]), body]
}

describe('metadata', () => {
  it.each([
    ['hostname', 'web'],
    ['instance-id', '7'],
    ['local-ipv4', '10.0.0.4'],
    ['public-keys', '["ssh-ed25519 AAAA a \\"b\\"","ssh-rsa BBBB"]'],
  ])('has %s', async (name, value) => {
    const server = new MetadataServer()
    server.set('web', web)
    expect(await get(server, 'web', `/hetzner/v1/metadata/${name}`)).toEqual([200, value])
  })

  it('has user-data as they are, and all of the rest at once', async () => {
    const server = new MetadataServer()
    server.set('web', web)
    expect(await get(server, 'web', '/hetzner/v1/userdata')).toEqual([200, web.userData])
    const [, all] = await get(server, 'web', '/hetzner/v1/metadata')
    expect(JSON.parse(all)).toMatchObject({
      hostname: 'web',
      'instance-id': '7',
      'public-keys': web.publicKeys,
    })
  })

  it('tells a machine of itself only, whatever it says', async () => {
    const server = new MetadataServer()
    server.set('web', web)
    server.set('db', { ...web, hostName: 'db' })
    expect(await get(server, 'db', '/hetzner/v1/metadata/hostname')).toEqual([200, 'db'])
    expect((await get(server, 'stranger', '/hetzner/v1/metadata/hostname'))[0]).toBe(404)
    server.set('db', undefined)
    expect((await get(server, 'db', '/hetzner/v1/metadata/hostname'))[0]).toBe(404)
  })

  it('has nothing else', async () => {
    const server = new MetadataServer()
    server.set('web', web)
    expect((await get(server, 'web', '/latest/meta-data/'))[0]).toBe(404)
    expect((await get(server, 'web', '/hetzner/v1/metadata/hostname/../../../host'))[0]).toBe(404)
  })
})
