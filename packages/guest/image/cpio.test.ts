/** Archives that are written here, as GNU cpio reads them. */

import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { type CpioEntry, writeCpio } from './cpio.ts'
import { execArchive } from './exec-archive.ts'

const entries: CpioEntry[] = [
  { kind: 'directory', path: 'bin', mode: 0o755 },
  { kind: 'directory', path: 'tmp', mode: 0o1777 },
  { kind: 'file', path: 'bin/tool', mode: 0o755, data: new TextEncoder().encode('#!/bin/sh\necho tool\n') },
  { kind: 'file', path: 'empty', mode: 0o600, data: new Uint8Array(0) },
  { kind: 'symlink', path: 'bin/link', target: 'tool' },
  { kind: 'character-device', path: 'console', mode: 0o600, major: 5, minor: 1 },
]

/** What GNU cpio makes of an archive: mode, links or device numbers, size and name of each member. */
function listing(archive: Uint8Array): string[] {
  const output = execFileSync('cpio', ['-itvn', '--quiet'], {
    input: archive,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  return output
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) =>
      line.replace(/ +/g, ' ').replace(/ (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ +\S+/, ''),
    )
}

describe('writeCpio', () => {
  it('is what GNU cpio reads', () => {
    expect(listing(writeCpio(entries))).toEqual([
      'drwxr-xr-x 2 0 0 0 bin',
      'drwxrwxrwt 2 0 0 0 tmp',
      '-rwxr-xr-x 1 0 0 20 bin/tool',
      '-rw------- 1 0 0 0 empty',
      'lrwxrwxrwx 1 0 0 4 bin/link -> tool',
      'crw------- 1 0 0 5, 1 console',
    ])
  })

  it('keeps the content of files', () => {
    const output = execFileSync('cpio', ['-i', '--quiet', '--to-stdout', 'bin/tool'], {
      input: writeCpio(entries),
    })
    expect(output.toString()).toBe('#!/bin/sh\necho tool\n')
  })

  it('has a length that another archive can follow', () => {
    for (const bytes of [0, 1, 3, 511, 512, 4096]) {
      const data = new Uint8Array(bytes)
      expect(writeCpio([{ kind: 'file', path: 'f', mode: 0o644, data }]).length % 512).toBe(0)
    }
  })

  it('gives the same bytes for the same entries', () => {
    expect(Buffer.compare(writeCpio(entries), writeCpio(entries))).toBe(0)
  })

  it('refuses paths that would not be below the root', () => {
    expect(() => writeCpio([{ kind: 'directory', path: '/etc', mode: 0o755 }])).toThrow('relative')
    expect(() => writeCpio([{ kind: 'directory', path: '', mode: 0o755 }])).toThrow('relative')
  })
})

describe('execArchive', () => {
  it('holds the command as a script', () => {
    const archive = execArchive("echo 'ü'; exit 7")
    expect(listing(archive)).toEqual(['drwxr-xr-x 2 0 0 0 virga', '-rwxr-xr-x 1 0 0 28 virga/exec'])
    const script = execFileSync('cpio', ['-i', '--quiet', '--to-stdout', 'virga/exec'], { input: archive })
    expect(script.toString()).toBe("#!/bin/sh\necho 'ü'; exit 7\n")
  })
})
