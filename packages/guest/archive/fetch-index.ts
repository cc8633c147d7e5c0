/** From a mirror's address to a list of packages that can be believed: Release, its signature, Packages. */

import { ok, type Result, worldError } from '@virga/base'
import { type BytesProgress, download } from '../transfer/download.ts'
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
  readonly component: string
  readonly architecture: string
  readonly keys: readonly string[]
}

/** Debian's is 140 kB; what is much longer is no Release file, and is not read to its end. */
const releaseBytesMax = 4 << 20

/** The packages of `source`, verified. The list is kept in `store`; the Release file is fetched every time. */
export async function fetchIndex(
  source: IndexSource,
  store: Store,
  network: Network,
  progress: (label: string, totalBytes: number) => BytesProgress,
): Promise<Result<PackageIndex>> {
  const suiteUrl = archiveUrl(source.mirror, `dists/${source.codename}`)
  const inRelease = await fetchText(`${suiteUrl}/InRelease`, network)
  if (!inRelease.ok) return inRelease
  const trust = { keys: source.keys, codename: source.codename, nowMs: network.clock.nowMs() }
  const release = await verifyRelease(inRelease.value, trust)
  if (!release.ok) return release

  const path = `${source.component}/binary-${source.architecture}/Packages.xz`
  const file = release.value.indexes.get(path)
  if (file === undefined) return worldError(`Debian ${source.codename} on the mirror has no ${path}`)
  const label = 'package list'
  const remote = { label, url: `${suiteUrl}/${path}`, ...file }
  const fetched = await download(remote, store, network, progress(label, file.bytes))
  if (!fetched.ok) return fetched
  try {
    const text = await collect(decompressXz(store.stream(fetched.value)))
    return ok(new PackageIndex(new TextDecoder().decode(text)))
  } catch (cause) {
    return unpackFailure('the package list', cause)
  }
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
