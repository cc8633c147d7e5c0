/** Finds the user's host, and starts its process when there is none. */

import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, statSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ok, type Result, worldError } from '@virga/base'
import { protocolVersion } from '../control/messages.ts'
import { hostFolders } from '../records/host-folders.ts'
import { HostClient, noHost, otherVersion } from './host-client.ts'

/** How to start the host's process: a program and its arguments. */
export interface HostProcess {
  readonly program: string
  readonly args: readonly string[]
}

/** A process that has not answered by then will not. */
const startMsMax = 30_000
const lookMs = 50
/** A log that has grown to this is begun anew. */
const logBytesMax = 4 << 20

/** The host that runs, or undefined. Errors: it is of another version. */
export async function findHost(environment: NodeJS.ProcessEnv): Promise<Result<HostClient | undefined>> {
  const folders = hostFolders(environment)
  if (!folders.ok) return folders
  const client = new HostClient(folders.value.socket)
  const status = await client.status()
  if (status === noHost) return ok(undefined)
  if (!status.ok) return status
  return status.value.protocol === protocolVersion ? ok(client) : otherVersion()
}

/** The host; when none runs, `hostProcess` is started and goes on after this program. Errors: it does not come up. */
export async function startHost(
  environment: NodeJS.ProcessEnv,
  hostProcess: HostProcess,
): Promise<Result<HostClient>> {
  const there = await findHost(environment)
  if (!there.ok) return there
  if (there.value !== undefined) return ok(there.value)
  const folders = hostFolders(environment)
  if (!folders.ok) return folders
  const { log } = folders.value
  let exited: number | string | undefined
  try {
    const child = startDetached(hostProcess, environment, log)
    // One that finds another at its place ends with 0, and the other answers.
    child.on('exit', (code, signal) => {
      exited = code ?? signal ?? 'no reason'
    })
    child.on('error', (error) => {
      exited = error.message
    })
  } catch (cause) {
    return worldError(`cannot write ${log}; check its permissions and the space on its disk`, cause)
  }
  const deadlineMs = performance.now() + startMsMax
  while (performance.now() < deadlineMs) {
    const found = await findHost(environment)
    if (!found.ok) return found
    if (found.value !== undefined) return ok(found.value)
    if (exited !== undefined && exited !== 0) break
    await sleep(lookMs)
  }
  return worldError(`the host's process did not come up (${exited ?? 'no answer'}); ${log} may say why`)
}

function startDetached({ program, args }: HostProcess, environment: NodeJS.ProcessEnv, log: string) {
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 })
  const output = openSync(log, 'a', 0o600)
  try {
    if (statSync(log).size > logBytesMax) truncateSync(log)
    // In the root folder: it must not keep a disk from being unmounted.
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', output, output],
      env: environment,
      cwd: '/',
    })
    child.unref()
    return child
  } finally {
    closeSync(output)
  }
}
