/**
 * Files that say which process has something. Why not the system's locks: Node has none, and a file with its owner's
 * identity in it can be judged by whoever comes later, after a kill as well.
 */

import * as fs from 'node:fs/promises'
import * as path from 'node:path'

/**
 * Makes the lock file, with its owner in it, and the folder it is in; false when a program that is alive has it. One
 * whose owner has ended is moved aside first, and looked at again there: somebody may have taken it over in between.
 * Then the answer is false as well, and whoever asks again may have it.
 */
export async function takeLock(lockPath: string): Promise<boolean> {
  await fs.mkdir(path.dirname(lockPath), { recursive: true })
  const mine = await processIdentity(process.pid)
  try {
    await fs.writeFile(lockPath, mine, { flag: 'wx' })
    return true
  } catch (cause) {
    if (errorCode(cause) !== 'EEXIST') throw cause
  }
  if (await isOwned(lockPath)) return false

  const asidePath = `${lockPath}.${process.pid}`
  await fs.rename(lockPath, asidePath).catch(absent)
  if (await isOwned(asidePath)) await fs.link(asidePath, lockPath).catch(() => undefined)
  await fs.rm(asidePath, { force: true })
  return false
}

/** Whether a program that is alive has the lock. */
export async function isOwned(lockPath: string): Promise<boolean> {
  const owner = await fs.readFile(lockPath, 'utf8').catch(absent)
  if (owner === undefined) return false
  // Between making the file and writing into it, its owner is not known, but there.
  if (owner === '') return Date.now() - ((await fs.stat(lockPath).catch(absent))?.mtimeMs ?? 0) < 10_000
  return owner === (await processIdentity(Number.parseInt(owner, 10)))
}

/**
 * Process id and, where Linux tells it, time of start: ids are given to other processes later. Empty when there is no such
 * process, or only what is left of one that nobody has asked after.
 */
async function processIdentity(pid: number): Promise<string> {
  try {
    process.kill(pid, 0)
  } catch (cause) {
    if (errorCode(cause) === 'ESRCH') return ''
  }
  const stat = (await fs.readFile(`/proc/${pid}/stat`, 'utf8').catch(absent)) ?? ''
  const fieldsAfterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fieldsAfterName[0] === 'Z' ? '' : `${pid} ${fieldsAfterName[19] ?? ''}`
}

/** The system's name of what went wrong, or undefined when it was not the system. */
export function errorCode(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}

/** For what may be missing: undefined when it is, thrown when it is there but something else is wrong. */
export function absent(cause: unknown): undefined {
  const code = errorCode(cause)
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
  throw cause
}
