/** Compressed clusters: read, never written. @spec qcow2 "Compressed Clusters Descriptor" @spec deflate "Compressed representation overview" */

import type { BlockFile } from '../block-file.ts'
import { VolumeError } from '../volume-error.ts'
import { damaged } from './header.ts'

/**
 * Inflates a raw deflate stream, which may have bytes behind its end, to at most `bytesMax`. May throw what it likes
 * for a stream that is none.
 */
export type Inflate = (stream: Uint8Array, bytesMax: number) => Uint8Array

/**
 * The latest compressed cluster of an image, since they are read piece by piece. It never gets old: nothing writes
 * compressed clusters, and no other cluster is looked for here.
 */
export class CompressedClusters {
  readonly #file: BlockFile
  readonly #inflate: Inflate
  #offset = 0
  #cluster: Uint8Array = new Uint8Array(0)

  constructor(file: BlockFile, inflate: Inflate) {
    this.#file = file
    this.#inflate = inflate
  }

  /** The bytes of the cluster that is `bytes` at `offset` of the file, `clusterBytes` of them. Not to be changed. */
  read(offset: number, bytes: number, clusterBytes: number): Uint8Array {
    if (offset === this.#offset) return this.#cluster
    const stream = new Uint8Array(bytes)
    this.#file.read([stream], offset)
    let cluster: Uint8Array
    try {
      cluster = this.#inflate(stream, clusterBytes)
    } catch (cause) {
      throw new VolumeError(
        damaged(this.#file.name, `a compressed cluster at ${offset} cannot be read`).message,
        {
          cause,
        },
      )
    }
    if (cluster.length !== clusterBytes) {
      throw damaged(this.#file.name, `a compressed cluster at ${offset} has ${cluster.length} bytes`)
    }
    this.#offset = offset
    this.#cluster = cluster
    return cluster
  }
}
