/** The tree names nobody's registry, mirror or folders, and each rule finds what it is for. */
import { describe, expect, it } from 'vitest'
import { configuredHosts, hostsIn, lockFileFaults, mentions } from './origins.ts'
import { readTree, rootDir, sampleTree } from './tree.ts'

const tree = readTree()

describe('hosts', () => {
  it('that this machine installs from are not named', () => {
    const hosts = configuredHosts()
    expect(hosts).not.toEqual([])
    expect(mentions(tree, hosts)).toEqual([])
  })

  it('are found in configurations', () => {
    const text =
      'deb https://me:secret@mirror.example.org/debian x\nURIs: http://b.example.com:8080/d\nhttp://127.0.0.1:4873/'
    expect(hostsIn(text)).toEqual(['b.example.com', 'mirror.example.org'])
  })

  it('are found in files', () => {
    const files = sampleTree({ 'infra/a.ts': "get('https://mirror.example.org/x')", 'infra/b.ts': '' })
    expect(mentions(files, ['mirror.example.org'])).toEqual(['infra/a.ts: names mirror.example.org'])
  })
})

describe('folders', () => {
  it('of this machine are not named', () => expect(mentions(tree, [rootDir])).toEqual([]))
})

describe('the lock file', () => {
  it('is there, with hashes and without addresses', () => {
    expect(tree.has('package-lock.json')).toBe(true)
    expect(lockFileFaults(tree)).toEqual([])
  })

  it('is found at fault', () => {
    const packages = {
      '': { version: '1' },
      'packages/vmm': { version: '1' },
      'node_modules/@virga/vmm': { resolved: 'packages/vmm', link: true },
      'node_modules/good': { version: '1', integrity: 'sha512-x' },
      'node_modules/bare': { version: '1' },
      'node_modules/told': {
        version: '1',
        integrity: 'sha512-x',
        resolved: 'https://registry.example.org/told.tgz',
      },
    }
    expect(lockFileFaults(sampleTree({ 'package-lock.json': JSON.stringify({ packages }) }))).toEqual([
      'package-lock.json: node_modules/bare has no hash',
      'package-lock.json: node_modules/told has an address',
    ])
  })
})
