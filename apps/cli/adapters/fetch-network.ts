/**
 * The guest package's `Network` on Node: its fetch, clock and hash.
 * Proxies: those of the environment (http_proxy, https_proxy, no_proxy, either case); when it names none, those
 * of the machine's apt, since a machine set up to reach its mirror through a proxy has told apt of it.
 */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { type Network, stallMsDefault } from '@virga/guest'

/** How the machine reaches the network, as `environment` says. VIRGA_STALL_SECONDS changes how long silence may last. */
export function fetchNetwork(environment: NodeJS.ProcessEnv): Network {
  let proxied: Promise<void> | undefined
  return {
    fetch: async (url, init) => {
      proxied ??= applyProxies(environment)
      await proxied
      return await fetch(url, init)
    },
    clock: {
      nowMs: Date.now,
      after: (delayMs, action) => {
        const timer = setTimeout(action, delayMs)
        return () => clearTimeout(timer)
      },
    },
    newSha256: () => createHash('sha256'),
    stallMs: stallMs(environment),
  }
}

function stallMs(environment: NodeJS.ProcessEnv): number {
  const seconds = Number(environment.VIRGA_STALL_SECONDS)
  return seconds > 0 ? seconds * 1000 : stallMsDefault
}

async function applyProxies(environment: NodeJS.ProcessEnv): Promise<void> {
  const fromEnvironment = proxyVariables(environment)
  const proxies = Object.keys(fromEnvironment).length > 0 ? fromEnvironment : await aptProxies()
  if (Object.keys(proxies).length === 0) return
  // Loaded only here: a machine that starts from a cached image has no use for it.
  const { setGlobalProxyFromEnv } = await import('node:http')
  setGlobalProxyFromEnv({ ...proxies, no_proxy: environment.no_proxy ?? environment.NO_PROXY ?? '' })
}

type Proxies = { http_proxy?: string; https_proxy?: string }

function proxyVariables(environment: NodeJS.ProcessEnv): Proxies {
  const http = environment.http_proxy ?? environment.HTTP_PROXY ?? ''
  const https = environment.https_proxy ?? environment.HTTPS_PROXY ?? ''
  return { ...(http === '' ? {} : { http_proxy: http }), ...(https === '' ? {} : { https_proxy: https }) }
}

/** No apt, no proxies. */
async function aptProxies(): Promise<Proxies> {
  const output = await new Promise<string>((resolve) => {
    const keys = ['Acquire::http::Proxy', 'Acquire::https::Proxy']
    execFile('apt-config', ['dump', '--format', '%f %v%n', ...keys], (_, stdout) => resolve(stdout))
  })
  return parseAptProxies(output)
}

/** Reads lines of `NAME VALUE`; apt's DIRECT means that there is to be no proxy. */
export function parseAptProxies(dump: string): Proxies {
  const value = (name: string): string | undefined => {
    const line = dump.split('\n').find((each) => each.toLowerCase().startsWith(`${name} `))
    const proxy = line?.slice(name.length + 1).trim() ?? ''
    return /^https?:\/\//i.test(proxy) ? proxy : undefined
  }
  const http = value('acquire::http::proxy')
  // apt uses its proxy for http for https, too, when it has no other.
  const https =
    value('acquire::https::proxy') ?? (/acquire::https::proxy direct/i.test(dump) ? undefined : http)
  return {
    ...(http === undefined ? {} : { http_proxy: http }),
    ...(https === undefined ? {} : { https_proxy: https }),
  }
}
