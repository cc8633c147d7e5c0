/**
 * Rules about where things come from: the tree names no package registry, no mirror and no folder of the machine
 * it was written on, so that it installs from whatever its user has.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Tree } from './tree.ts'

const lockFile = 'package-lock.json'

/** The hosts that this machine installs packages from, by its npm and apt configuration. */
export function configuredHosts(): string[] {
  const registry = execFileSync('npm', ['config', 'get', 'registry'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return hostsIn([registry, ...aptSources()].join('\n'))
}

function aptSources(): string[] {
  const folder = '/etc/apt/sources.list.d'
  const inFolder = existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : []
  const files = ['/etc/apt/sources.list', ...inFolder].filter((file) => existsSync(file))
  return files.map((file) => readFileSync(file, 'utf8'))
}

/** The host names in the addresses of `text`; names of this machine itself are not looked for. */
export function hostsIn(text: string): string[] {
  const hosts = [...text.matchAll(/\/\/(?:[^\s/@]*@)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)/gi)].map(
    ([, host = '']) => host,
  )
  return [...new Set(hosts)].filter((host) => !/^127\.|^localhost\b/.test(host)).sort()
}

/** Files that contain one of `strings`: hosts, or folders of this machine. */
export function mentions(tree: Tree, strings: readonly string[]): string[] {
  return [...tree].flatMap(([path, text]) =>
    strings.filter((string) => text.includes(string)).map((string) => `${path}: names ${string}`),
  )
}

/** The lock file holds versions and hashes, but no addresses, and a hash for everything that is downloaded. */
export function lockFileFaults(tree: Tree): string[] {
  const lock: Lock = JSON.parse(tree.get(lockFile) ?? '{"packages":{}}')
  return Object.entries(lock.packages).flatMap(([path, { resolved, integrity, link, version }]) => {
    const downloaded = path.includes('node_modules/') && link !== true && version !== undefined
    return [
      ...(resolved !== undefined && link !== true ? [`${lockFile}: ${path} has an address`] : []),
      ...(downloaded && integrity === undefined ? [`${lockFile}: ${path} has no hash`] : []),
    ]
  })
}

interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
}
