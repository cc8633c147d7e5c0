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
import { absent, errorCode, takeLock } from './process-lock.ts'

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
