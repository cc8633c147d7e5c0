/**
 * What a compiler made or found on disk, for whoever asks for the same code again: bytes of modules, and what each
 * answers.
 *
 * Why bytes: V8's own code for a module is many times as much, and is to go with the last pCPU that has it in place.
 * While one has, a module made of the same bytes is the same to V8, which finds its code by them.
 * Invariant: what is kept has a bound; the modules that nobody asked for longest go first.
 */

import { defined } from '@virga/base'
import { type CachedAnswer, type CachedBatch, codeBytes, isSame } from './code-cache.ts'
import type { HashedCode } from './compile.ts'
import type { RegionModule } from './region-table.ts'

/** A request answered before. */
export interface KeptAnswer extends CachedAnswer {
  readonly module: KeptModule
}

/** A module, as bytes. */
export interface KeptModule {
  readonly id: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly answers: readonly CachedAnswer[]
  readonly around: readonly HashedCode[]
}

/** All that one compiler keeps. */
export class KeptCode {
  readonly #bytesMax: number
  readonly #byHash = new Map<number, KeptAnswer[]>()
  readonly #pages = new SharedPages()
  /** in the order that they were last asked for; V8's module lives as long as somebody has it */
  readonly #modules = new Map<KeptModule, WeakRef<WebAssembly.Module> | undefined>()
  #bytes = 0
  #lastId = 0

  /** `bytesMax`: of WebAssembly and of the code that it was made of. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes + this.#pages.bytes
  }

  /** Hashes of the code that there are answers for. */
  hashes(): Iterable<number> {
    return this.#byHash.keys()
  }

  /** The answers for this code. They have been asked for. */
  find(hash: number, code: Uint8Array): KeptAnswer[] {
    return (this.#byHash.get(hash) ?? []).filter((answer) => isSame(answer.code, code))
  }

  /** Keeps a batch, whose module becomes its own, in place of answers to the same requests. Returns its module's number. */
  add({ module: bytes, answers, around }: CachedBatch, module?: WebAssembly.Module): number {
    const kept: KeptModule = {
      id: this.#lastId++,
      bytes,
      answers: answers.map((answer) => ({ ...answer, ...this.#pages.take(answer) })),
      around: around.map((page) => this.#pages.take(page)),
    }
    this.#modules.set(kept, module && new WeakRef(module))
    this.#bytes += bytes.length
    for (const answer of kept.answers) {
      const others = (this.#byHash.get(answer.hash) ?? []).filter(
        ({ root, code }) => root !== answer.root || !isSame(code, answer.code),
      )
      this.#byHash.set(answer.hash, [...others, { ...answer, module: kept }])
    }
    for (const [oldest] of this.#modules) {
      if (this.bytes <= this.#bytesMax) break
      this.#forget(oldest)
    }
    return kept.id
  }

  /** The module of an answer, which counts as asked for. */
  moduleOf({ module: kept }: KeptAnswer): RegionModule {
    const module = this.#modules.get(kept)?.deref() ?? new WebAssembly.Module(kept.bytes)
    this.#modules.delete(kept)
    this.#modules.set(kept, new WeakRef(module))
    return { id: kept.id, module, bytes: kept.bytes.length, around: kept.around }
  }

  #forget(module: KeptModule): void {
    this.#modules.delete(module)
    this.#bytes -= module.bytes.length
    for (const page of [...module.answers, ...module.around]) this.#pages.release(page)
    for (const { hash } of module.answers) {
      const others = (this.#byHash.get(hash) ?? []).filter((answer) => answer.module !== module)
      if (others.length > 0) this.#byHash.set(hash, others)
      else this.#byHash.delete(hash)
    }
  }
}

/** Pages of code that modules have in common: each is there once. */
class SharedPages {
  readonly #byHash = new Map<number, { readonly page: HashedCode; holders: number }[]>()
  #count = 0

  get bytes(): number {
    return this.#count * codeBytes
  }

  take({ hash, code }: HashedCode): HashedCode {
    const alike = this.#byHash.get(hash) ?? []
    const known = alike.find(({ page }) => isSame(page.code, code))
    if (known !== undefined) {
      known.holders += 1
      return known.page
    }
    const page = { hash, code: code.slice() }
    this.#byHash.set(hash, [...alike, { page, holders: 1 }])
    this.#count += 1
    return page
  }

  /** Gives back what `take` gave. */
  release({ hash, code }: HashedCode): void {
    const alike = this.#byHash.get(hash) ?? []
    const known = defined(
      alike.find(({ page }) => page.code === code),
      'page that was taken',
    )
    known.holders -= 1
    if (known.holders > 0) return
    this.#count -= 1
    const others = alike.filter((each) => each !== known)
    if (others.length > 0) this.#byHash.set(hash, others)
    else this.#byHash.delete(hash)
  }
}
