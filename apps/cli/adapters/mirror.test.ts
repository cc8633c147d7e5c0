/** Which mirror, proxy and cache folder a machine's settings give. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheRoot } from '@virga/host/cache'
import { afterAll, describe, expect, it } from 'vitest'
import { parseAptProxies } from './fetch-network.ts'
import { chooseMirror, findMirror, parseSources } from './mirror.ts'

const folder = mkdtempSync(join(tmpdir(), 'virga-apt-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('parseSources', () => {
  it('reads one-line sources', () => {
    const text = [
      '# deb http://off.example/debian trixie main',
      'deb http://a.example/debian trixie main contrib # all',
      'deb [ arch=amd64 signed-by=/x.gpg ]   https://b.example/debian/  sid   main',
      'deb-src http://c.example/debian trixie main',
      'deb http://d.example/flat ./',
    ].join('\n')
    expect(parseSources('/etc/apt/sources.list', text)).toEqual([
      { url: 'http://a.example/debian', suite: 'trixie', components: ['main', 'contrib'] },
      { url: 'https://b.example/debian/', suite: 'sid', components: ['main'] },
    ])
  })

  it('reads stanzas, with many values, comments and the disabled left out', () => {
    const text = [
      'Types: deb deb-src',
      '# snapshot elsewhere',
      'URIs: http://a.example/debian http://b.example/debian',
      'Suites: bookworm',
      '  bookworm-updates',
      'Components: main',
      'Signed-By: /usr/share/keyrings/k.gpg',
      '',
      'Types: deb',
      'Enabled: no',
      'URIs: http://off.example/debian',
      'Suites: trixie',
      'Components: main',
      '',
      'types: deb-src',
      'uris: http://src.example/debian',
      'suites: trixie',
      'components: main',
    ].join('\n')
    expect(parseSources('x.sources', text).map(({ url, suite }) => `${url} ${suite}`)).toEqual([
      'http://a.example/debian bookworm',
      'http://a.example/debian bookworm-updates',
      'http://b.example/debian bookworm',
      'http://b.example/debian bookworm-updates',
    ])
  })
})

describe('chooseMirror', () => {
  const source = (url: string, suite: string, ...components: string[]) => ({ url, suite, components })
  it.each([
    [
      'the main archive, not security updates or others',
      'http://m.example/debian',
      [
        source('http://m.example/debian-security', 'bookworm-security', 'main'),
        source('http://s.example/debian', 'bookworm-security', 'main'),
        source('http://s.example/debian', 'bookworm/updates-security', 'main'),
        source('https://p.example/apt', 'bookworm', 'main'),
        source('https://u.example/debian', 'jammy', 'main'),
        source('cdrom:[Debian]/debian', 'bookworm', 'main'),
        source('http://n.example/debian', 'bookworm', 'non-free'),
        source('http://m.example/debian/', 'bookworm', 'main'),
      ],
    ],
    [
      'one for trixie before others',
      'http://t.example/debian',
      [
        source('http://m.example/debian', 'bookworm', 'main'),
        source('http://t.example/debian', 'trixie', 'main'),
      ],
    ],
    ['none where there is none', undefined, [source('http://u.example/ubuntu', 'noble', 'main')]],
  ])('takes %s', (_, expected, sources) => {
    expect(chooseMirror(sources)).toBe(expected)
  })
})

describe('findMirror', () => {
  const apt = join(folder, 'apt')
  mkdirSync(join(apt, 'sources.list.d'), { recursive: true })
  writeFileSync(
    join(apt, 'sources.list.d', 'debian.sources'),
    'Types: deb\nURIs: http://a.example/debian\nSuites: sid\nComponents: main\n',
  )

  it('takes what the user says before what apt uses', async () => {
    const said = { VIRGA_DEBIAN_MIRROR: 'http://said.example/mirror' }
    expect(await findMirror(said, apt)).toEqual({ ok: true, value: 'http://said.example/mirror' })
    expect(await findMirror({}, apt)).toEqual({ ok: true, value: 'http://a.example/debian' })
  })

  it('says what to set when neither says anything', async () => {
    const result = await findMirror({ VIRGA_DEBIAN_MIRROR: '' }, join(folder, 'none'))
    expect(result).toMatchObject({ ok: false, error: { fault: 'user' } })
    expect(result.ok ? '' : result.error.message).toMatch('set VIRGA_DEBIAN_MIRROR to')
  })

  it.each(['ftp://x.example/debian', 'x.example/debian', 'http://'])('refuses %s', async (wanted) => {
    const result = await findMirror({ VIRGA_DEBIAN_MIRROR: wanted }, apt)
    expect(result).toMatchObject({ ok: false, error: { fault: 'user' } })
  })
})

describe('parseAptProxies', () => {
  it.each([
    ['', {}],
    ['Acquire::http::Proxy http://p:3142', { http_proxy: 'http://p:3142', https_proxy: 'http://p:3142' }],
    [
      'Acquire::http::Proxy http://p\nAcquire::https::Proxy https://q',
      { http_proxy: 'http://p', https_proxy: 'https://q' },
    ],
    ['Acquire::http::Proxy http://p\nAcquire::https::Proxy DIRECT', { http_proxy: 'http://p' }],
    ['Acquire::http::Proxy DIRECT', {}],
    ['Acquire::http::Proxy ', {}],
  ])('reads %j', (dump, expected) => {
    expect(parseAptProxies(dump)).toEqual(expected)
  })
})

describe('cacheRoot', () => {
  it('is in the XDG cache folder, or the usual place', () => {
    expect(cacheRoot({ XDG_CACHE_HOME: '/x/cache' })).toBe('/x/cache/virga')
    for (const environment of [{}, { XDG_CACHE_HOME: '' }, { XDG_CACHE_HOME: 'relative' }]) {
      expect(cacheRoot(environment)).toMatch(/\/\.cache\/virga$/)
    }
  })
})
