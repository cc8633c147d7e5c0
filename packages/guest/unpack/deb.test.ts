/** Packages as the real tools make them, and bytes that are none. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tar from 'tar-stream'
import { afterAll, describe, expect, it } from 'vitest'
import { readAr } from './ar.ts'
import { collect } from './byte-reader.ts'
import { readDeb } from './deb.ts'
import { MalformedPackage } from './malformed-package.ts'
import { decompressXz } from './xz.ts'

const folder = mkdtempSync(join(tmpdir(), 'virga-deb-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A stream of `bytes` in pieces of `pieceBytes`. */
async function* pieces(bytes: Uint8Array, pieceBytes = 7): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += pieceBytes)
    yield bytes.subarray(start, start + pieceBytes)
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function text(data: Uint8Array): string {
  return new TextDecoder().decode(data)
}

function ar(members: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts = Object.entries(members).flatMap(([name, body]) => [
    bytes(`${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`),
    bytes(`${String(body.length).padEnd(10)}\`\n`),
    body,
    bytes(body.length % 2 === 1 ? '\n' : ''),
  ])
  return Buffer.concat([bytes('!<arch>\n'), ...parts])
}

function xzOf(data: Uint8Array): Uint8Array {
  return execFileSync('xz', ['-c'], { input: data, maxBuffer: 1 << 26 })
}

async function tarOf(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const pack = tar.pack()
  for (const [name, content] of Object.entries(files)) pack.entry({ name, mode: 0o755 }, content)
  pack.entry({ name: './link', type: 'symlink', linkname: 'usr/bin/tool' }, '')
  pack.entry({ name: './hard-link', type: 'link', linkname: './usr/bin/tool' }, '')
  pack.entry({ name: './pipe', type: 'fifo' }, '')
  pack.finalize()
  return await collect(pack as AsyncIterable<Uint8Array>)
}

async function filesOf(deb: Uint8Array, wanted = (_: string) => true): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const { path, content } of readDeb(pieces(deb, 1000), 'data', wanted)) {
    if (content.kind === 'file') found[path] = text(content.data)
    else found[path] = content.kind === 'directory' ? '/' : `${content.kind} ${content.target}`
  }
  return found
}

describe('readAr', () => {
  it('gives members in order, whatever the pieces, with odd lengths padded', async () => {
    const archive = ar({
      'debian-binary': bytes('2.0\n'),
      odd: bytes('abc'),
      'slash/': bytes('x'),
      empty: bytes(''),
    })
    for (const pieceBytes of [1, 3, 60, 4096]) {
      const found: string[] = []
      for await (const member of readAr(pieces(archive, pieceBytes))) {
        found.push(`${member.name}=${text(await collect(member.body))}`)
      }
      expect(found).toEqual(['debian-binary=2.0\n', 'odd=abc', 'slash=x', 'empty='])
    }
  })

  it('skips what is left unread of a member', async () => {
    const names: string[] = []
    for await (const { name } of readAr(pieces(ar({ a: bytes('12345'), b: bytes('6') })))) names.push(name)
    expect(names).toEqual(['a', 'b'])
  })

  it.each([
    ['nothing', bytes('')],
    ['no archive', bytes('hello, world')],
    ['a header cut short', ar({ a: bytes('12') }).subarray(0, 30)],
    ['a body cut short', ar({ a: bytes('1234567890') }).subarray(0, 70)],
    ['a header without its end mark', Buffer.from(text(ar({ a: bytes('12') })).replace('`', '?'))],
    ['a length that is no number', Buffer.from(text(ar({ a: bytes('12') })).replace(/2 {9}/, '-2        '))],
  ])('refuses %s', async (_, archive) => {
    const reading = async (): Promise<void> => {
      for await (const { body } of readAr(pieces(archive))) await collect(body)
    }
    await expect(reading()).rejects.toThrow(MalformedPackage)
  })
})

describe('decompressXz', () => {
  const plain = bytes('virga '.repeat(100_000))
  const packed = xzOf(plain)

  /** Whole arrays are slow to compare piece by piece, as a matcher would. */
  const expectPlain = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    expect(Buffer.compare(await collect(decompressXz(source)), plain)).toBe(0)
  }

  it('gives back what xz packed', async () => {
    await expectPlain(pieces(packed, 100))
  })

  it.each([
    ['cut short', packed.subarray(0, packed.length - 20)],
    ['empty', bytes('')],
    ['no xz', plain],
    ['damaged', packed.map((byte, index) => (index === 100 ? byte ^ 0xff : byte))],
  ])('refuses a stream that is %s, and works afterwards', async (_, broken) => {
    await expect(collect(decompressXz(pieces(broken, 100)))).rejects.toThrow(MalformedPackage)
    await expectPlain(pieces(packed))
  })

  it('gives the decoder back when its reader stops early', async () => {
    for await (const piece of decompressXz(pieces(packed))) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    await expectPlain(pieces(packed))
  })

  it('throws a failure of its source as it is', async () => {
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield packed.subarray(0, 100)
      throw new RangeError('disk')
    }
    await expect(collect(decompressXz(failing()))).rejects.toThrow(RangeError)
  })
})

describe('readDeb', () => {
  const big = 'x'.repeat(300_000)

  it('gives wanted files and links of the data part, xz or not', async () => {
    const data = await tarOf({ './usr/bin/tool': 'tool', './usr/share/big': big, './etc/conf': 'c' })
    for (const [name, body] of [
      ['data.tar', data],
      ['data.tar.xz', xzOf(data)],
    ] as const) {
      const deb = ar({ 'debian-binary': bytes('2.0\n'), 'control.tar.xz': bytes('unread'), [name]: body })
      expect(await filesOf(deb)).toEqual({
        'usr/bin/tool': 'tool',
        'usr/share/big': big,
        'etc/conf': 'c',
        link: 'symlink usr/bin/tool',
        'hard-link': 'hardlink usr/bin/tool',
      })
      expect(await filesOf(deb, (path) => path.startsWith('etc'))).toEqual({ 'etc/conf': 'c' })
    }
  })

  it('can be left early, and read again', async () => {
    const deb = ar({ 'data.tar.xz': xzOf(await tarOf({ './first': 'one', './second': big })) })
    for await (const { path } of readDeb(pieces(deb, 100), 'data', () => true)) {
      expect(path).toBe('first')
      break
    }
    expect(Object.keys(await filesOf(deb))).toEqual(['first', 'second', 'link', 'hard-link'])
  })

  it('reads what dpkg-deb makes', async () => {
    const root = join(folder, 'package')
    execFileSync('mkdir', ['-p', join(root, 'DEBIAN'), join(root, 'usr/bin')])
    writeFileSync(
      join(root, 'DEBIAN/control'),
      'Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m <m@x>\n',
    )
    writeFileSync(join(root, 'usr/bin/p'), '#!/bin/sh\n', { mode: 0o755 })
    const file = join(folder, 'p.deb')
    execFileSync('dpkg-deb', ['-Zxz', '--root-owner-group', '-b', root, file], { stdio: 'ignore' })
    expect(await filesOf(readFileSync(file))).toEqual({
      usr: '/',
      'usr/bin': '/',
      'usr/bin/p': '#!/bin/sh\n',
    })
    const control = readDeb(pieces(readFileSync(file)), 'control', (path) => path === 'control')
    const first = await control.next()
    expect(first.value?.content).toMatchObject({ kind: 'file' })
    await control.return(undefined)
  })

  it.each([
    ['no data part', async () => ar({ 'debian-binary': bytes('2.0\n') })],
    ['an unknown compression', async () => ar({ 'data.tar.zst': bytes('....') })],
    ['a tar cut short', async () => ar({ 'data.tar': (await tarOf({ './a': big })).subarray(0, 5000) })],
    ['what is no tar', async () => ar({ 'data.tar': bytes('nonsense '.repeat(200)) })],
    ['an xz cut short', async () => ar({ 'data.tar.xz': xzOf(await tarOf({ './a': big })).subarray(0, 90) })],
  ])('refuses %s', async (_, deb) => {
    await expect(filesOf(await deb())).rejects.toThrow(MalformedPackage)
  })
})
