/** A `Store` that is a map of paths to bytes: for tests that need no disk. One program uses it at a time. */

import { ok, type Result, worldError } from '@virga/base'
import { type Appender, type Store, UnreadableFile } from '../transfer/store.ts'

/** The files are `files`, by path. */
export class MemoryStore implements Store {
  readonly files = new Map<string, Uint8Array>()

  async size(path: string): Promise<number | undefined> {
    return this.files.get(path)?.length
  }

  async read(path: string): Promise<Result<Uint8Array>> {
    const bytes = this.files.get(path)
    return bytes === undefined ? worldError(`there is no file ${path}`) : ok(bytes)
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const bytes = this.files.get(path)
    if (bytes === undefined) throw new UnreadableFile(`there is no file ${path}`)
    yield bytes
  }

  async append(path: string): Promise<Result<Appender>> {
    const pieces = [this.files.get(path) ?? new Uint8Array(0)]
    return ok({
      write: async (bytes: Uint8Array) => {
        pieces.push(bytes.slice())
        return ok(undefined)
      },
      close: async () => {
        const blob = new Blob(pieces as Uint8Array<ArrayBuffer>[])
        this.files.set(path, new Uint8Array(await blob.arrayBuffer()))
        return ok(undefined)
      },
    })
  }

  async rename(from: string, to: string): Promise<Result<void>> {
    const moved = this.#below(from).map(
      (path) => [to + path.slice(from.length), this.files.get(path)] as const,
    )
    await this.remove(to)
    await this.remove(from)
    for (const [path, bytes] of moved) if (bytes !== undefined) this.files.set(path, bytes)
    return ok(undefined)
  }

  async remove(path: string): Promise<Result<void>> {
    for (const each of this.#below(path)) this.files.delete(each)
    return ok(undefined)
  }

  async list(path: string): Promise<string[]> {
    const names = this.#below(path).map((each) => each.slice(path.length + 1).split('/')[0] ?? '')
    return [...new Set(names)].sort()
  }

  async exclusively<T>(_: string, __: () => void, task: () => Promise<Result<T>>): Promise<Result<T>> {
    return await task()
  }

  #below(path: string): string[] {
    return [...this.files.keys()].filter((each) => each === path || each.startsWith(`${path}/`))
  }
}
