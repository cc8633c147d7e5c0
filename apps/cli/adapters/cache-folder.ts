/**
 * The folder that fetched and built things are kept in, on a real disk: the guest package's `Store`.
 * Errors of the disk become one line each, which says what to do; whatever is not the disk's is thrown.
 */

import { createReadStream } from 'node:fs'
import * as fs from 'node:fs/promises'
import { homedir } from 'node:os'
import * as path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ok, type Result, worldError } from '@virga/base'
import { type Appender, type Store, UnreadableFile } from '@virga/guest'

/** How often to look whether another program has given up a key. */
const lockPollMs = 200

/** `Store` in the folder `root`, which is made when first something is written. */
export class CacheFolder implements Store {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  async size(file: string): Promise<number | undefined> {
    const found = await fs.stat(this.#path(file)).catch(absent)
    return found?.isFile() === true ? found.size : undefined
  }

  async read(file: string): Promise<Result<Uint8Array>> {
    return await attempt('read', this.#path(file), () => fs.readFile(this.#path(file)))
  }

  async *stream(file: string): AsyncGenerator<Uint8Array> {
    try {
      yield* createReadStream(this.#path(file), { highWaterMark: 1 << 18 })
    } catch (cause) {
      throw new UnreadableFile(diskMessage('read', this.#path(file), cause), { cause })
    }
  }

  async append(file: string): Promise<Result<Appender>> {
    const target = this.#path(file)
    const opened = await attempt('write', target, async () => {
      await fs.mkdir(path.dirname(target), { recursive: true })
      return await fs.open(target, 'a')
    })
    return opened.ok ? ok(new FileAppender(target, opened.value)) : opened
  }

  async rename(from: string, to: string): Promise<Result<void>> {
    return await attempt('write', this.#path(to), async () => {
      // A folder cannot replace one that is not empty; a file can replace a file.
      const replaced = await fs.stat(this.#path(to)).catch(absent)
      if (replaced?.isDirectory() === true) await fs.rm(this.#path(to), { recursive: true })
      await fs.rename(this.#path(from), this.#path(to))
    })
  }

  async remove(file: string): Promise<Result<void>> {
    return await attempt('remove', this.#path(file), () =>
      fs.rm(this.#path(file), { recursive: true, force: true }),
    )
  }

  async list(folder: string): Promise<string[]> {
    return ((await fs.readdir(this.#path(folder)).catch(absent)) ?? []).sort()
  }

  async exclusively<T>(key: string, waiting: () => void, task: () => Promise<Result<T>>): Promise<Result<T>> {
    const lockPath = this.#path(`${key}.lock`)
    let isWaiting = false
    for (;;) {
      const taken = await attempt('write', lockPath, () => takeLock(lockPath))
      if (!taken.ok) return taken
      if (taken.value) break
      if (!isWaiting) waiting()
      isWaiting = true
      await sleep(lockPollMs)
    }
    try {
      return await task()
    } finally {
      await fs.rm(lockPath, { force: true })
    }
  }

  #path(file: string): string {
    return path.join(this.root, file)
  }
}

/** $XDG_CACHE_HOME/virga, or ~/.cache/virga. @spec xdg-basedir "Environment variables" */
export function cacheRoot(environment: NodeJS.ProcessEnv): string {
  const home = environment.XDG_CACHE_HOME ?? ''
  // The specification has relative paths ignored.
  return path.join(path.isAbsolute(home) ? home : path.join(homedir(), '.cache'), 'virga')
}

class FileAppender implements Appender {
  readonly #path: string
  readonly #file: fs.FileHandle

  constructor(target: string, file: fs.FileHandle) {
    this.#path = target
    this.#file = file
  }

  async write(bytes: Uint8Array): Promise<Result<void>> {
    return await attempt('write', this.#path, () => this.#file.writeFile(bytes))
  }

  async close(): Promise<Result<void>> {
    const synced = await attempt('write', this.#path, () => this.#file.sync())
    const closed = await attempt('write', this.#path, () => this.#file.close())
    return synced.ok ? closed : synced
  }
}

/**
 * Makes the lock file, with its owner in it; false when a program that is alive has it. One whose owner has
 * ended is moved aside first, and looked at again there: somebody may have taken it over in between.
 */
async function takeLock(lockPath: string): Promise<boolean> {
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

async function isOwned(lockPath: string): Promise<boolean> {
  const owner = await fs.readFile(lockPath, 'utf8').catch(absent)
  if (owner === undefined) return false
  // Between making the file and writing into it, its owner is not known, but there.
  if (owner === '') return Date.now() - ((await fs.stat(lockPath).catch(absent))?.mtimeMs ?? 0) < 10_000
  return owner === (await processIdentity(Number.parseInt(owner, 10)))
}

/** Process id and, where Linux tells it, time of start: ids are given to other processes later. */
async function processIdentity(pid: number): Promise<string> {
  try {
    process.kill(pid, 0)
  } catch (cause) {
    if (errorCode(cause) === 'ESRCH') return ''
  }
  const stat = (await fs.readFile(`/proc/${pid}/stat`, 'utf8').catch(absent)) ?? ''
  const fieldsAfterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return `${pid} ${fieldsAfterName[19] ?? ''}`
}

async function attempt<T>(action: DiskAction, file: string, run: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await run())
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause
    return worldError(diskMessage(action, file, cause), cause)
  }
}

type DiskAction = 'read' | 'write' | 'remove'

function diskMessage(action: DiskAction, file: string, cause: unknown): string {
  const what = `cannot ${action} ${file}`
  const advice: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full; free some space, or set XDG_CACHE_HOME to a folder on another disk',
    EDQUOT: 'your disk quota is used up; free some space, or set XDG_CACHE_HOME to a folder on another disk',
    EACCES: 'permission denied; set XDG_CACHE_HOME to a folder that you may write in',
    EPERM: 'permission denied; set XDG_CACHE_HOME to a folder that you may write in',
    EROFS: 'the disk is read-only; set XDG_CACHE_HOME to a folder that you may write in',
    ENOTDIR: 'a file is where a folder should be; move it away',
    EEXIST: 'a file is where a folder should be; move it away',
    ENOENT: 'there is no such file; pull the image again',
  }
  const code = errorCode(cause) ?? String(cause)
  return `${what}: ${advice[code] ?? `the system says ${code}`}`
}

function errorCode(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}

/** For what may be missing: undefined when it is, thrown when it is there but something else is wrong. */
function absent(cause: unknown): undefined {
  const code = errorCode(cause)
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
  throw cause
}
