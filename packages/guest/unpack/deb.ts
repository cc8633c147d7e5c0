/**
 * Reader of the files in a Debian binary package (.deb), as a stream: ar, then xz (or nothing), then tar.
 * Why: an image takes a few files of a package; nothing of it is installed and no maintainer script is run.
 * Invariants: only what `wanted` accepts is held in memory. Devices and pipes are passed over.
 * @spec deb "deb(5) format"
 */

import tar from 'tar-stream'
import { readAr } from './ar.ts'
import { collect } from './byte-reader.ts'
import { MalformedPackage } from './malformed-package.ts'
import { decompressXz } from './xz.ts'

/** One file of a package. `path` has no leading './' or '/'. */
export interface PackageFile {
  readonly path: string
  readonly mode: number
  readonly content:
    | { readonly kind: 'file'; readonly data: Uint8Array }
    | { readonly kind: 'directory' }
    /** `target` as it is written: relative to the link's folder, or from the root with a '/'. */
    | { readonly kind: 'symlink'; readonly target: string }
    /** Another name of the file at `target`, a path like `path`. */
    | { readonly kind: 'hardlink'; readonly target: string }
}

/** Which tar of the package: the files to install, or the control file and scripts. */
export type DebPart = 'data' | 'control'

/**
 * Files of the package in `source` whose path `wanted` accepts, in the package's order.
 * Throws `MalformedPackage` at bytes that are no package or use a compression other than xz.
 */
export async function* readDeb(
  source: AsyncIterable<Uint8Array>,
  part: DebPart,
  wanted: (path: string) => boolean,
): AsyncGenerator<PackageFile> {
  for await (const member of readAr(source)) {
    if (!member.name.startsWith(`${part}.tar`)) continue
    yield* readTar(decompressed(member.name, member.body), wanted)
    return
  }
  throw new MalformedPackage(`it has no ${part}.tar`)
}

function decompressed(name: string, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  if (name.endsWith('.tar')) return body
  if (name.endsWith('.tar.xz')) return decompressXz(body)
  throw new MalformedPackage(`its ${name} is compressed in a way that is not known here (only xz is)`)
}

async function* readTar(
  source: AsyncIterable<Uint8Array>,
  wanted: (path: string) => boolean,
): AsyncGenerator<PackageFile> {
  const extract = tar.extract()
  const feeding = feed(source, extract)
  try {
    for await (const entry of extract) {
      const { name, type, linkname, mode = 0o644 } = entry.header
      const path = plainPath(name)
      if (wanted(path) && type === 'file') {
        // Its types do not say so, but what a tar entry gives is bytes.
        const data = await collect(entry as AsyncIterable<Uint8Array>)
        yield { path, mode, content: { kind: 'file', data } }
      } else if (wanted(path) && type === 'symlink') {
        yield { path, mode, content: { kind: 'symlink', target: linkname ?? '' } }
      } else if (wanted(path) && type === 'link') {
        yield { path, mode, content: { kind: 'hardlink', target: plainPath(linkname ?? '') } }
      } else if (wanted(path) && type === 'directory' && path !== '' && path !== '.') {
        yield { path, mode, content: { kind: 'directory' } }
      }
      entry.resume()
    }
  } catch (cause) {
    throw (await feeding) ?? new MalformedPackage('its tar archive is damaged', { cause })
  } finally {
    extract.destroy(null)
    await feeding
  }
}

function plainPath(name: string): string {
  return name.replace(/^\.?\//, '').replace(/\/$/, '')
}

/**
 * Writes `source` into `extract` at the pace it is read, until either ends. A failure of `source` is the value,
 * and ends `extract` so that its reader does not wait.
 */
async function feed(source: AsyncIterable<Uint8Array>, extract: tar.Extract): Promise<unknown> {
  const closed = new Promise<'closed'>((resolve) => extract.once('close', () => resolve('closed')))
  try {
    for await (const piece of source) {
      if (extract.write(piece)) continue
      const drained = new Promise<'drained'>((resolve) => extract.once('drain', () => resolve('drained')))
      if ((await Promise.race([drained, closed])) === 'closed') return undefined
    }
    extract.end(null)
    return undefined
  } catch (cause) {
    extract.destroy(new MalformedPackage('its archive cannot be read', { cause }))
    return cause
  }
}
