/**
 * Opens a volume with all that is behind it: an overlay, its backing file, that one's, and so on.
 *
 * ```
 *   overlay.qcow2 ──▶ web.qcow2 ──▶ debian.qcow2        reads fall through where an image has nothing
 *   written           only read     only read
 * ```
 *
 * A chain ends, or it is refused: it is bounded, and no file may be in it twice. The format of a backing file is what
 * the overlay says; guessing would let whoever writes a raw disk choose which of the host's files is read next.
 */

import type { Result } from '@virga/base'
import type { Access, OpenedFile, OpenFile } from './block-file.ts'
import { check } from './qcow2/check/check.ts'
import type { Inflate } from './qcow2/decompress.ts'
import { damaged, isQcow2 } from './qcow2/header.ts'
import { Qcow2Image, type TableMemory } from './qcow2/image.ts'
import { Qcow2Volume } from './qcow2/qcow2-volume.ts'
import { RawVolume } from './raw/raw-volume.ts'
import { type Volume, type VolumeFormat, volumeFormats } from './volume.ts'
import { attempt, VolumeError } from './volume-error.ts'

/** What to open, and with what. */
export interface OpenOptions {
  readonly path: string
  /** without, the first bytes tell, which a volume that a guest wrote as raw should not be asked */
  readonly format?: VolumeFormat | undefined
  readonly access: Access
  readonly openFile: OpenFile
  readonly inflate: Inflate
  /** of each image of the chain */
  readonly memory?: TableMemory
}

/** Images behind each other. Longer ones are a mistake, and each takes memory for its tables. */
export const chainLengthMax = 32

/** Opens a volume. One to be written has its counts and references checked, so that no write can do harm. */
export function openVolume(options: OpenOptions): Result<Volume> {
  return attempt(() => openChain(options))
}

/** As `openVolume`, and throws `VolumeError`. */
export function openChain(options: OpenOptions): Volume {
  const { path, access, openFile } = options
  const opened = openFile({ path, access })
  return closingOnFailure(opened, () => openLayer(opened, options.format, access, options, []))
}

/** Opens an image's file and the image, with nothing behind it. The caller closes the file. */
export function openAlone(options: OpenOptions): { opened: OpenedFile; format: VolumeFormat } {
  const { path, access, openFile } = options
  const opened = openFile({ path, access })
  return closingOnFailure(opened, () => ({ opened, format: options.format ?? formatOf(opened) }))
}

function openLayer(
  opened: OpenedFile,
  format: VolumeFormat | undefined,
  access: Access,
  options: OpenOptions,
  above: readonly OpenedFile[],
): Volume {
  const { file } = opened
  if ((format ?? formatOf(opened)) === 'raw') return new RawVolume(file)
  const image = Qcow2Image.open(file, access, options.memory)
  if (access === 'write') refuseUnsound(image)
  const backing = openBacking(image, opened, options, [...above, opened])
  return new Qcow2Volume({ file, image, backing, inflate: options.inflate })
}

function openBacking(
  { header, name }: Qcow2Image,
  from: OpenedFile,
  options: OpenOptions,
  chain: readonly OpenedFile[],
): Volume | undefined {
  if (header.backing === undefined) return undefined
  const { path, format } = header.backing
  if (chain.length >= chainLengthMax) {
    throw new VolumeError(
      `${chain[0]?.file.name} has more than ${chainLengthMax} images behind each other; convert it`,
    )
  }
  const backingFormat = parseBackingFormat(format, path, name)
  refuseAddress(path, name)
  const opened = options.openFile({ path, from: from.path, access: 'read' })
  return closingOnFailure(opened, () => {
    if (chain.some(({ identity }) => identity === opened.identity)) {
      throw new VolumeError(
        `${name} has itself behind it, by ${path}; change its backing file with qemu-img rebase`,
      )
    }
    return openLayer(opened, backingFormat, 'read', options, chain)
  })
}

/** The format that an image names for its backing file. */
function parseBackingFormat(format: string | undefined, path: string, name: string): VolumeFormat {
  if (format === undefined) {
    throw new VolumeError(
      `${name} does not say which format ${path} has; say it with \`qemu-img rebase -u -b ${path} -F FORMAT ${name}\``,
    )
  }
  const known = volumeFormats.find((each) => each === format)
  if (known === undefined) {
    throw new VolumeError(
      `${name} has a backing file of format ${JSON.stringify(format)}; convert that to qcow2 or raw with qemu-img`,
    )
  }
  return known
}

/** Paths, and none of the other things that QEMU takes for a backing file. */
export function refuseAddress(path: string, name: string): void {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(path)) return
  throw new VolumeError(
    `${name} has a backing file that is no path of a file: ${path}; change it with qemu-img rebase`,
  )
}

function refuseUnsound(image: Qcow2Image): void {
  const { damages, miscounted, findings } = check(image)
  if (damages > 0) throw damaged(image.name, findings[0] ?? '')
  if (miscounted > 0) {
    throw new VolumeError(
      `${image.name} was not closed, and counts wrongly what it uses; repair it with \`virga volume check --repair\``,
    )
  }
}

/** What the first bytes of a file say that it is. */
export function formatOf({ file }: OpenedFile): VolumeFormat {
  const first = new Uint8Array(4)
  file.read([first], 0)
  return isQcow2(first) ? 'qcow2' : 'raw'
}

/** The file is closed if `work` throws. */
export function closingOnFailure<T>({ file }: OpenedFile, work: () => T): T {
  try {
    return work()
  } catch (error) {
    file.close()
    throw error
  }
}
