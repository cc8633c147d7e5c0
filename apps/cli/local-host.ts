/** The user's host, as the commands of `virga local` reach it. Loaded late: no other command needs it. */

import { defined, ok, type Result } from '@virga/base'
import type { HostClient, HostProcess } from '@virga/host'
import { reportFailure } from './failure.ts'

/** The host's process is this program again, from its door, with the flag of Node that its first line asks for. */
function hostProcess(): HostProcess {
  const door = defined(process.argv[1], 'the path of the program')
  return { program: process.execPath, args: ['--v8-pool-size=1', door, 'local', 'serve'] }
}

/** Does something with the host, which is started when there is none, and prints what comes of it. */
export async function withHost(work: (host: HostClient) => Promise<Result<string>>): Promise<void> {
  const { startHost } = await import('@virga/host')
  await print(await startHost(process.env, hostProcess()), work)
}

/** The same, if a host runs; `absent` is printed when none does. */
export async function withRunningHost(
  absent: string,
  work: (host: HostClient) => Promise<Result<string>>,
): Promise<void> {
  const { findHost } = await import('@virga/host')
  await print(await findHost(process.env), async (host) =>
    host === undefined ? ok(absent) : await work(host),
  )
}

async function print<T>(found: Result<T>, work: (host: T) => Promise<Result<string>>): Promise<void> {
  const done = found.ok ? await work(found.value) : found
  if (done.ok) process.stdout.write(done.value)
  else process.exitCode = reportFailure(done.error)
}
