/**
 * The host's process: takes the host's place, answers on its socket, and goes when it is not needed any more.
 *
 * ```
 *  lock ─► records ─► socket ─► serve ─── idle for long, asked, signal ───► machines ended ─► socket, lock removed
 *    └ another has it: end at once
 * ```
 * Invariants: one process for a user's state, whoever starts at once with it. A socket that is there without the lock is of
 * a process that was killed.
 */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { err, ok, type Result, worldError } from '@virga/base'
import { isOwned, takeLock } from '../adapters/process-lock.ts'
import { controlApp } from '../control/app.ts'
import { upgradeConsole } from '../control/console-upgrade.ts'
import { Host } from '../host.ts'
import type { StartMachine } from '../machine/running-machine.ts'
import type { NetworkBackend } from '../network-backend.ts'
import { type HostFolders, hostFolders } from '../records/host-folders.ts'

export type { MachineStatistics, Outcome } from '@virga/vmm'
export type { RunningMachine, StartMachine } from '../machine/running-machine.ts'
export type { NetworkBackend } from '../network-backend.ts'
export type { DiskRecord, MachineRecord } from '../records/machine-record.ts'

/** What the process is given. */
export interface ServeOptions {
  readonly environment: NodeJS.ProcessEnv
  readonly startMachine: StartMachine
  readonly networks: NetworkBackend
  readonly log: (line: string) => void
  /** how long it stays when no machine runs and nobody is connected */
  readonly idleMs: number
  /** resolves when it is to end */
  readonly ended?: Promise<void>
}

/** How often to look whether somebody who is just ending has gone. */
const [attemptsMax, attemptMs] = [50, 100]

/** Serves until the end. False: another process is the host. Errors: it cannot serve. */
export async function serveHost(options: ServeOptions): Promise<Result<boolean>> {
  const folders = hostFolders(options.environment)
  if (!folders.ok) return folders
  const taken = await takePlace(folders.value)
  if (!taken.ok || !taken.value) return taken
  try {
    return await serve(options, folders.value)
  } finally {
    await fs.rm(folders.value.lock, { force: true })
  }
}

async function takePlace({ lock }: HostFolders): Promise<Result<boolean>> {
  try {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (await takeLock(lock)) return ok(true)
      if (await isOwned(lock)) return ok(false)
      await new Promise((resolve) => setTimeout(resolve, attemptMs))
    }
    return worldError(`${lock} cannot be taken; remove it when no host runs`)
  } catch (cause) {
    return worldError(`cannot write ${lock}; check its permissions and the space on its disk`, cause)
  }
}

async function serve(options: ServeOptions, folders: HostFolders): Promise<Result<boolean>> {
  const { log, startMachine, networks } = options
  const stop = Promise.withResolvers<void>()
  const idle = new IdleTimer(options.idleMs, () => stop.resolve())
  const opened = await Host.open({
    state: folders.state,
    startMachine,
    networks,
    random: () => randomBytes(4).readUInt32LE(),
    log,
    onChange: () => idle.look(),
  })
  if (!opened.ok) return opened
  const host = opened.value
  const app = controlApp({
    host,
    startedAtMs: Date.now(),
    // The answer goes out first.
    shutdown: () => setImmediate(stop.resolve),
  })
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  server.on('upgrade', (request, socket, head) => upgradeConsole(host, request, socket, head))
  server.on('connection', (socket) => {
    idle.busy(1)
    socket.on('close', () => idle.busy(-1))
  })
  idle.isNeeded = () => host.activeCount > 0
  const listening = await listen(server, folders.socket)
  if (!listening.ok) return listening
  log(`the host serves at ${folders.socket} (process ${process.pid})`)
  idle.look()
  const listeners = new AbortController()
  await Promise.race([stop.promise, options.ended ?? stop.promise, signalled(listeners.signal)])
  listeners.abort()
  idle.end()
  await host.close()
  // Removed before it is closed: whoever comes now begins a host, instead of asking this one.
  await fs.rm(folders.socket, { force: true })
  server.close()
  server.closeAllConnections()
  log('the host has ended')
  return ok(true)
}

/** With the lock in hand, a socket file that is there is nobody's. */
async function listen(server: Server, path: string): Promise<Result<void>> {
  try {
    await fs.rm(path, { force: true })
    // Who may write to the socket may do everything: nobody else, from the first moment on.
    const mask = process.umask(0o177)
    try {
      server.listen(path)
      await once(server, 'listening')
    } finally {
      process.umask(mask)
    }
    return ok(undefined)
  } catch (cause) {
    const message = `cannot listen at ${path}; check the permissions of its folder`
    return err({ fault: 'world', message, cause })
  }
}

/** Resolves when the system asks the process to end; not any more once `signal` is aborted. */
function signalled(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(name, resolve)
      signal.addEventListener('abort', () => process.off(name, resolve))
    }
  })
}

/** Ends what nobody needs: when no machine runs and nobody is connected for some time. */
class IdleTimer {
  isNeeded: () => boolean = () => true
  readonly #idleMs: number
  readonly #onIdle: () => void
  #connections = 0
  #hasEnded = false
  #timer: NodeJS.Timeout | undefined

  constructor(idleMs: number, onIdle: () => void) {
    this.#idleMs = idleMs
    this.#onIdle = onIdle
  }

  /** Somebody connected (1) or left (-1). */
  busy(change: 1 | -1): void {
    this.#connections += change
    this.look()
  }

  /** Something may have changed. */
  look(): void {
    clearTimeout(this.#timer)
    if (this.#hasEnded) return
    if (this.#connections === 0 && !this.isNeeded()) this.#timer = setTimeout(this.#onIdle, this.#idleMs)
  }

  /** Looks no more. */
  end(): void {
    this.#hasEnded = true
    clearTimeout(this.#timer)
  }
}
