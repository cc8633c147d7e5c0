/** The boot files of an image in the cache. */

import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ok, type Result, userError } from '@virga/base'

/** An image's files, read. */
export interface OpenImage {
  readonly kernel: Uint8Array
  readonly kernelName: string
  readonly initrd: Uint8Array
}

/** Reads an image's kernel and initial RAM disk. */
export async function openImage(name: string): Promise<Result<OpenImage>> {
  const directory = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'virga/images', name)
  try {
    const [kernel, initrd] = await Promise.all([
      readFile(join(directory, 'kernel')),
      readFile(join(directory, 'initrd')),
    ])
    return ok({ kernel, kernelName: `the kernel of ${name}`, initrd })
  } catch (cause) {
    return userError(`image ${name} is not in the cache; run virga image pull ${name}`, cause)
  }
}
