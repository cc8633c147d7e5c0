/**
 * The file that compiled code is kept in, in the user's cache: one for each emitter and kind of host. Several processes
 * append to it at once, a whole record with each write, so what is torn is at an end and is skipped by the reader.
 */

import { hash } from 'node:crypto'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { cacheRoot } from '@virga/host/cache'
import type { CodeCache } from '@virga/riscv/jit/compiler'

/** A file that has grown to this is begun anew. */
const fileBytesMax = 64 << 20

const sums: CodeCache['sums'] = {
  checksum: crc32,
  digest: (code) => hash('sha256', code, 'base64url'),
}

/** Opens the file of this emitter and host, and removes those of other emitters. A cache that cannot be used is empty. */
export function openCodeCache(environment: NodeJS.ProcessEnv, fused: boolean): CodeCache {
  const folder = join(cacheRoot(environment), 'code')
  const version = emitterVersion()
  const file = join(folder, `${version}-${fused ? 'fused' : 'plain'}`)
  try {
    mkdirSync(folder, { recursive: true })
    for (const name of readdirSync(folder)) if (!name.startsWith(version)) rmSync(join(folder, name))
  } catch {
    // A disk that cannot be written to: the machine compiles for itself.
    return { read: () => new Uint8Array(), append: () => undefined, sums }
  }
  let usable = true
  return {
    read: () => read(file),
    sums,
    append: (record) => {
      if (!usable) return
      try {
        appendFileSync(file, record)
      } catch {
        // Full, most likely. What is there stays good.
        usable = false
      }
    },
  }
}

function emitterVersion(): string {
  const path = new URL(import.meta.resolve('@virga/riscv/emitter.version'))
  return readFileSync(path, 'utf8').slice(0, 32)
}

function read(file: string): Uint8Array<ArrayBuffer> {
  try {
    if (statSync(file).size > fileBytesMax) rmSync(file)
    return readFileSync(file)
  } catch {
    // There is none yet.
    return new Uint8Array()
  }
}
