/** From a mirror's address to a list of packages that can be believed: Release, its signature, Packages. */

import { ok, type Result, worldError } from '@virga/base'
import { type BytesProgress, download, type RemoteFile } from '../transfer/download.ts'
import type { Network } from '../transfer/network.ts'
import type { Store } from '../transfer/store.ts'
import { transfer } from '../transfer/transfer.ts'
import { collect } from '../unpack/byte-reader.ts'
import { unpackFailure } from '../unpack/unpack-failure.ts'
import { decompressXz } from '../unpack/xz.ts'
import { PackageIndex } from './package-index.ts'
import { verifyRelease } from './release.ts'

/** Where to look and whom to believe. */
export interface IndexSource {
  /** Root of the archive. */
  readonly mirror: string
  readonly codename: string
  /** the other name that mirrors have it by */
  readonly suite: string
  readonly component: string
  readonly architecture: string
  readonly keys: readonly string[]
}

/** Debian's is 140 kB; what is much longer is no Release file, and is not read to its end. */
const releaseBytesMax = 4 << 20

/**
 * The packages of `source`, verified. The list is kept in `store`; the Release file is fetched every time.
 *
 * While a mirror, or a cache before it, takes in a new release, it may give the new Release file and the old list.
 * What it has by the suite's other name may still belong together, and is as good: the signature says what it is.
 */
export async function fetchIndex(
  source: IndexSource,
  store: Store,
  network: Network,
  progress: (label: string, totalBytes: number) => BytesProgress,
): Promise<Result<PackageIndex>> {
  const list = await findList(source, source.codename, network)
  if (!list.ok) return list
  const get = (file: RemoteFile) => download(file, store, network, progress(file.label, file.bytes))
  let fetched = await get(list.value)
  if (!fetched.ok) {
    const other = await findList(source, source.suite, network)
    if (other.ok && other.value.sha256 !== list.value.sha256) fetched = await get(other.value)
  }
  if (!fetched.ok) return fetched
  try {
    const text = await collect(decompressXz(store.stream(fetched.value)))
    return ok(new PackageIndex(new TextDecoder().decode(text)))
  } catch (cause) {
    return unpackFailure('the package list', cause)
  }
}

/** What the signed Release file in the archive's folder `name` says of the list of packages. */
async function findList(source: IndexSource, name: string, network: Network): Promise<Result<RemoteFile>> {
  const suiteUrl = archiveUrl(source.mirror, `dists/${name}`)
  const inRelease = await fetchText(`${suiteUrl}/InRelease`, network)
  if (!inRelease.ok) return inRelease
  const trust = { keys: source.keys, codename: source.codename, nowMs: network.clock.nowMs() }
  const release = await verifyRelease(inRelease.value, trust)
  if (!release.ok) return release
  const path = `${source.component}/binary-${source.architecture}/Packages.xz`
  const file = release.value.indexes.get(path)
  if (file === undefined) return worldError(`Debian ${source.codename} on the mirror has no ${path}`)
  return ok({ label: 'package list', url: `${suiteUrl}/${path}`, ...file })
}

/** Address of what is at `path` below the root `mirror`. */
export function archiveUrl(mirror: string, path: string): string {
  return `${mirror.replace(/\/+$/, '')}/${path}`
}

async function fetchText(url: string, network: Network): Promise<Result<string>> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  const end = await transfer(
    {
      url,
      fromByte: 0,
      begin: async () => ok(undefined),
      take: async (piece) => {
        pieces.push(piece)
        bytes += piece.length
        return bytes <= releaseBytesMax
          ? ok(undefined)
          : worldError(`${url} is far too long for a Release file`)
      },
    },
    network,
  )
  if (!end.ok) return end
  if (end.value === 'broken') return worldError(`the connection broke off while getting ${url}; run again`)
  return ok(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).text())
}
