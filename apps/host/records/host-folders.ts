/**
 * Where a host keeps what it must not forget, and where it is spoken to.
 * @spec xdg-basedir "Environment variables"
 */

import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { ok, type Result, userError } from '@virga/base'

/** Folders and files of one user's host. */
export interface HostFolders {
  /** records; kept for good */
  readonly state: string
  /** who is the host now */
  readonly lock: string
  readonly socket: string
  readonly log: string
}

/** What the address of a Unix socket has room for, on Linux and on others. */
const socketPathMax = 100

/** $XDG_STATE_HOME/virga/local, or ~/.local/state/virga/local. Errors: a path that a socket cannot have. */
export function hostFolders(environment: NodeJS.ProcessEnv): Result<HostFolders> {
  const home = environment.XDG_STATE_HOME ?? ''
  // The specification has relative paths ignored.
  const root = isAbsolute(home) ? home : join(homedir(), '.local/state')
  const state = join(root, 'virga/local')
  const socket = join(state, 'host.sock')
  if (Buffer.byteLength(socket) > socketPathMax) {
    return userError(
      `${socket} is too long for a socket; set XDG_STATE_HOME to a folder with a path of at most 70 characters`,
    )
  }
  return ok({ state, lock: join(state, 'host.lock'), socket, log: join(state, 'host.log') })
}
