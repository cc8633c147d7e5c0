/**
 * A root volume: a disk with all files of an image, for machines that keep what they write.
 * How: a machine of its own boots the image with the empty disk and makes the file system there, so that the host needs
 * neither tools nor rights for it, and what writes ext4 is Linux.
 */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ok, type Result, userError, worldError } from '@virga/base'
import { parseImageName } from '@virga/guest'
import { type CachedImage, pull } from './image-store.ts'
import { mebibytes } from './mebibytes.ts'

/** Size of a root volume unless another is asked for. */
export const rootVolumeBytesDefault = 2 * 2 ** 30

/** What the file system itself takes, and a little room. */
const spareBytes = 64 * 2 ** 20

/** Much longer than it takes on a busy host; a machine that hangs is not waited for. */
const makingTimeout = '15m'

/** Memory of the machine that makes it: what the image needs, and room for what is being written. */
const memoryBytesMin = 512 * 2 ** 20

/** The image, if root volumes of `sizeBytes` can be made of it; it is pulled when it is not there. */
export async function rootVolumeImage(name: string, sizeBytes: number): Promise<Result<CachedImage>> {
  const known = parseImageName(name)
  if (!known.ok) return known
  const image = await pull(known.value)
  if (!image.ok) return image
  if (!image.value.packages.some((each) => each.name === 'e2fsprogs')) {
    return userError(
      `image ${name} has no programs for file systems; use server, or build it with virga image build --server`,
    )
  }
  const neededBytes = image.value.initrd.bytes + spareBytes
  return sizeBytes < neededBytes
    ? userError(
        `${mebibytes(sizeBytes)} are too small for image ${name}; use --size ${Math.ceil(neededBytes / 2 ** 20)}MiB or more`,
      )
    : image
}

/** Fills the empty disk `path` with the files of the image. */
export async function fillRootVolume(image: CachedImage, path: string): Promise<Result<void>> {
  const memoryMiB = Math.ceil(Math.max(memoryBytesMin, (image.memoryBytesMin ?? 0) + spareBytes) / 2 ** 20)
  const ended = await runVirga([
    'run',
    ...['--image', image.name, '--memory', `${memoryMiB}MiB`, '--timeout', makingTimeout],
    ...['--disk', path, '--exec', '/usr/lib/virga/make-root 2>&1'],
  ])
  if (ended.status === 0) return ok(undefined)
  const lines = ended.output.trim().split('\n')
  return worldError(
    `the machine that makes the root volume failed (${lines.at(-1) || `status ${ended.status}`})`,
  )
}

/** This program once more, in a process of its own: a machine's console is its process's. */
function runVirga(args: readonly string[]): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'virga.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const keep = (text: Buffer) => {
      output = (output + text.toString()).slice(-outputCharactersMax)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (cause) => resolve({ status: null, output: cause.message }))
    child.on('close', (status) => resolve({ status, output }))
  })
}

/** Enough for the last line of what a guest says. */
const outputCharactersMax = 4096
