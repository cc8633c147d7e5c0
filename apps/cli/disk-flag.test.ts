/** `--disk`: what is refused, and what the format is when it is not said. */
import { describe, expect, it } from 'vitest'
import { parseDisk } from './disk-flag.ts'

describe('a disk that is refused', () => {
  it.each([
    ['', /takes a file/],
    [',readonly', /takes a file/],
    ['a.img,format=vmdk', /raw or qcow2, not 'vmdk'/],
    ['a.img,format=', /raw or qcow2, not ''/],
  ])('%s', (text, message) => {
    const disk = parseDisk(text)
    expect(disk.ok ? '' : disk.error.message).toMatch(message)
  })
})

describe('a disk', () => {
  it.each([
    ['a.img', { path: 'a.img', access: 'write', format: 'raw', id: 'a.img' }],
    ['/x/a.qcow2', { path: '/x/a.qcow2', access: 'write', format: 'qcow2', id: 'a.qcow2' }],
    ['a.qcow2,format=raw', { path: 'a.qcow2', access: 'write', format: 'raw', id: 'a.qcow2' }],
    ['a,b.img,readonly', { path: 'a,b.img', access: 'read', format: 'raw', id: 'a,b.img' }],
    ['x,format=qcow2,readonly', { path: 'x', access: 'read', format: 'qcow2', id: 'x' }],
    [
      'a name that is rather long.img',
      { path: 'a name that is rather long.img', access: 'write', format: 'raw', id: 'a_name_that_is_rathe' },
    ],
  ])('%s', (text, disk) => expect(parseDisk(text)).toEqual({ ok: true, value: disk }))
})
