/**
 * Records of one kind as files: `NAME.json` in a folder. A record is written beside its place, made durable and moved
 * there, so that whoever is killed at any moment leaves the old record or the new one. What no schema knows is refused
 * rather than guessed at: it would be lost with the next write.
 */

import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { ok, type Result, type WorldError, worldError } from '@virga/base'
import type { ZodType } from 'zod'

const ending = '.json'
/** Of a file that is being written; one that is found was left behind. */
const unfinished = '.new'

/** What a folder held. */
export interface FoundRecords<T> {
  readonly records: readonly T[]
  /** of files that cannot be used; they stay as they are */
  readonly faults: readonly WorldError[]
}

export class RecordFolder<T extends { readonly name: string }> {
  readonly #folder: string
  readonly #schema: ZodType<T>

  /** The folder is made when something is first written. */
  constructor(folder: string, schema: ZodType<T>) {
    this.#folder = folder
    this.#schema = schema
  }

  /** All records, by name. Errors: the folder cannot be read. */
  async all(): Promise<Result<FoundRecords<T>>> {
    const records: T[] = []
    const faults: WorldError[] = []
    try {
      for (const file of await this.#files()) {
        if (file.endsWith(unfinished)) await fs.rm(join(this.#folder, file), { force: true })
        if (!file.endsWith(ending)) continue
        const record = this.#parse(file, await fs.readFile(join(this.#folder, file), 'utf8'))
        if (record.ok) records.push(record.value)
        else faults.push(record.error)
      }
    } catch (cause) {
      return worldError(`cannot read ${this.#folder} (${codeOf(cause)}); check its permissions`, cause)
    }
    return ok({ records, faults })
  }

  /** Writes a record, in place of the one of its name. When it resolves, it is on disk. */
  async put(record: T): Promise<Result<void>> {
    const path = join(this.#folder, `${record.name}${ending}`)
    try {
      await fs.mkdir(this.#folder, { recursive: true, mode: 0o700 })
      const file = await fs.open(`${path}${unfinished}`, 'w', 0o600)
      try {
        await file.writeFile(`${JSON.stringify(record, null, 2)}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
      await fs.rename(`${path}${unfinished}`, path)
      await this.#syncFolder()
      return ok(undefined)
    } catch (cause) {
      return worldError(`cannot write ${path} (${codeOf(cause)}); ${advice(cause)}`, cause)
    }
  }

  /** Removes the record of that name, if there is one. */
  async remove(name: string): Promise<Result<void>> {
    const path = join(this.#folder, `${name}${ending}`)
    try {
      await fs.rm(path, { force: true })
      await this.#syncFolder()
      return ok(undefined)
    } catch (cause) {
      return worldError(`cannot remove ${path} (${codeOf(cause)}); check its permissions`, cause)
    }
  }

  async #files(): Promise<string[]> {
    try {
      return (await fs.readdir(this.#folder)).sort()
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return []
      throw cause
    }
  }

  #parse(file: string, text: string): Result<T> {
    const path = join(this.#folder, file)
    const damaged = (what: string, cause?: unknown) =>
      worldError(`${path} is no record of this version (${what}); mend it, or move it away`, cause)
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (cause) {
      return damaged('no JSON', cause)
    }
    const read = this.#schema.safeParse(value)
    if (!read.success) {
      const [issue] = read.error.issues
      const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
      return damaged(`${where}${issue?.message}`, read.error)
    }
    return read.data.name === file.slice(0, -ending.length) ? ok(read.data) : damaged('the name differs')
  }

  /** So that a change of names, too, is there after a power cut. */
  async #syncFolder(): Promise<void> {
    const folder = await fs.open(this.#folder, 'r').catch((cause: unknown) => {
      if (codeOf(cause) === 'ENOENT') return undefined
      throw cause
    })
    await folder?.sync().finally(() => folder.close())
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
}

function advice(cause: unknown): string {
  const code = codeOf(cause)
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'free some space' : 'check its permissions'
}
