/** What a machine makes of user-data, keys and names: the guest's scripts in a folder that stands for its root. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { makeGuestRoot } from '../testing/guest-root.ts'

let root: string
beforeEach(() => {
  root = makeGuestRoot(fs, tmpdir())
})

/** Runs a script of /usr/lib/virga; the value is what it says on the console. */
function run(script: string, args: readonly string[], input = ''): string {
  const console = join(root, 'console')
  fs.writeFileSync(console, '')
  const environment = { ...process.env, ROOT: root, CONSOLE: console }
  const ran = spawnSync(join(root, 'usr/lib/virga', script), args, {
    env: environment,
    input,
    encoding: 'utf8',
  })
  expect([ran.stdout, ran.stderr]).toEqual(['', ''])
  return fs.readFileSync(console, 'utf8')
}

function userData(text: string): string {
  const path = join(root, 'user-data')
  fs.writeFileSync(path, text)
  return run('user-data', [path])
}

const file = (path: string) => fs.readFileSync(join(root, path), 'utf8')
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB someone@somewhere'

describe('user-data', () => {
  it('that are a script are run, and a status is told', () => {
    expect(userData('#!/bin/sh\necho ran\npwd >&2\n')).toBe('')
    expect(file('var/log/user-data.log')).toBe(`ran\n${root}\n`)
    expect(userData('#!/bin/sh\nexit 9\n')).toBe(
      'virga: user-data: the script ended with status 9, see /var/log/user-data.log\n',
    )
  })

  it('of another kind are left alone, in one line', () => {
    expect(userData('Content-Type: multipart/mixed\n\nx\n')).toMatch(/^virga: user-data: it begins .*\n$/)
  })

  it('that are not understood change nothing', () => {
    const said = userData('#cloud-config\nhostname: web\nruncmd:\n  - {touch: x}\n')
    expect(said).toBe('virga: user-data: line 4 is not understood, so nothing of it was done\n')
    expect(fs.existsSync(join(root, 'etc/hostname'))).toBe(false)
  })

  it('name the machine, let keys in, write files and run commands', () => {
    const said = userData(`#cloud-config
hostname: web
ssh_authorized_keys:
  - ${key}
  - no key at all
users:
  - default
  - name: ann
    gecos: Ann of the web
    shell: /bin/dash
    ssh_authorized_keys: ["${key}"]
    sudo: ALL
  - name: root
    ssh_authorized_keys: ['${key.replace('someone', 'other')}']
write_files:
  - path: /srv/deep/hello
    permissions: '0600'
    content: |
      hello "you"
        \\n $HOME
  - path: /srv/deep/hello
    content: more
    append: true
    permissions: '0600'
  - path: /srv/bytes
    encoding: b64
    content: AAEC/w==
runcmd:
  - echo one > one
  - [sh, -c, 'echo "$1" > two', x, "it's $HOME; \\"2\\""]
  - exit 3
packages:
  - nginx
`)
    expect(said).toBe(
      'virga: user-data: not heeded: packages users.sudo\n' +
        'virga: user-data: runcmd ended with status 3, see /var/log/user-data.log\n',
    )
    expect([file('etc/hostname'), file('etc/hosts')]).toEqual([
      'web\n',
      '127.0.0.1 localhost\n127.0.1.1 web\n::1 localhost\n',
    ])
    expect(file('root/.ssh/authorized_keys')).toBe(`${key.replace('someone', 'other')}\n${key}\n`)
    expect(file('home/ann/.ssh/authorized_keys')).toBe(`${key}\n`)
    expect(file('etc/passwd')).toBe(
      'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann of the web:/home/ann:/bin/dash\n',
    )
    expect(file('srv/deep/hello')).toBe('hello "you"\n  \\n $HOME\nmore')
    expect(fs.statSync(join(root, 'srv/deep/hello')).mode & 0o777).toBe(0o600)
    expect([...fs.readFileSync(join(root, 'srv/bytes'))]).toEqual([0, 1, 2, 255])
    expect([file('one'), file('two')]).toEqual(['one\n', 'it\'s $HOME; "2"\n'])
  })

  it.each(['../x', 'a:b', '-x', 'A', '$(id)', ''])('make no user called %j', (name) => {
    userData(`#cloud-config\nusers:\n  - name: "${name}"\n`)
    expect(file('etc/passwd')).toBe('root:x:0:0:root:/root:/bin/sh\n')
  })
})

describe('keys', () => {
  it.each([
    ['lines', `${key}\n`],
    ['a JSON list', `["${key}"]`],
    ['a YAML list', `- ${key}\n`],
    ['a list in which one is there twice', `${key}\n  - ${key}\n`],
  ])('are taken from %s', (_, text) => {
    run('add-keys', ['root'], text)
    run('add-keys', ['root'], text)
    expect(file('root/.ssh/authorized_keys')).toBe(`${key}\n`)
    expect(fs.statSync(join(root, 'root/.ssh/authorized_keys')).mode & 0o777).toBe(0o600)
  })

  it.each(['<html>not here</html>', 'command="x" ssh-rsa AAAA', 'ssh-rsa $(id)'])('%s is none', (text) => {
    run('add-keys', ['root'], text)
    expect(file('root/.ssh/authorized_keys')).toBe('')
  })
})

describe('a host name', () => {
  it('may have a domain', () => {
    expect(run('set-hostname', ['web.example.org'])).toBe('')
    expect([file('etc/hostname'), file('etc/hosts')]).toEqual([
      'web\n',
      '127.0.0.1 localhost\n127.0.1.1 web.example.org web\n::1 localhost\n',
    ])
  })

  it.each(['a b', '-x', '.x', '$(id)', 'x/y'])('is not %j', (name) => {
    expect(run('set-hostname', [name])).toBe(`virga: '${name}' is no host name\n`)
    expect(fs.existsSync(join(root, 'etc/hostname'))).toBe(false)
  })
})
