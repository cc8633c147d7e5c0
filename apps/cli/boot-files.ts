/**
 * The files that a machine boots from: those of an image, or those that the user names. Why in two steps: reading
 * some 45 MiB is for background threads, while this one loads the rest of the program.
 */

import type { Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ok, type Result, userError, worldError } from '@virga/base'
import { execArchive, parseImageName } from '@virga/guest'
import type { BareBoot, DirectBoot } from '@virga/vmm'
import { pull } from './image-store.ts'
import { mebibytes } from './mebibytes.ts'

/** Which files, and what the guest is told besides. */
export interface BootFlags {
  readonly image: string
  readonly kernel?: string
  readonly initrd?: string
  readonly append?: string
  readonly exec?: string
  readonly bare?: string
}

/** Files that are being read; resolves when they are. Never rejects. */
export type PendingBoot = Promise<Result<DirectBoot | BareBoot>>

/** Opens what `flags` name and begins to read it; an image that is not there is pulled first. */
export async function openBoot(
  flags: BootFlags,
  memoryBytes: number,
): Promise<Result<{ readonly read: PendingBoot }>> {
  if (flags.bare !== undefined) {
    const program = await openFile(flags.bare)
    return program.ok ? ok({ read: readBare(flags.bare, program.value) }) : program
  }
  const files = await (flags.kernel === undefined
    ? openImage(flags, memoryBytes)
    : openKernel(flags.kernel, flags.initrd, flags.exec))
  return files.ok ? ok({ read: readDirect(files.value, commandLineFor(flags)) }) : files
}

async function readBare(programName: string, file: OpenFile): PendingBoot {
  const program = await file.bytes
  return program.ok ? ok({ kind: 'bare', program: program.value, programName }) : program
}

async function readDirect(files: KernelFiles, commandLine: string): PendingBoot {
  const [kernel, initrd] = await Promise.all([files.kernel.bytes, files.initrd?.bytes])
  if (!kernel.ok) return kernel
  const boot = { kind: 'direct', kernel: kernel.value, kernelName: files.kernelName, commandLine } as const
  if (initrd === undefined) return ok(boot)
  return initrd.ok ? ok({ ...boot, initrd: initrd.value }) : initrd
}

interface KernelFiles {
  readonly kernel: OpenFile
  readonly kernelName: string
  readonly initrd?: OpenFile
}

/** What Debian's kernel needs for itself besides its own file and twice its initial RAM disk (packed, unpacked). */
const kernelWorkingBytes = 48 * 2 ** 20

async function openImage(flags: BootFlags, memoryBytes: number): Promise<Result<KernelFiles>> {
  const name = flags.image
  const known = parseImageName(name)
  if (!known.ok) return known
  const image = await pull(known.value)
  if (!image.ok) return image
  const { kernel, initrd, memoryBytesMin } = image.value
  const neededBytes = memoryBytesMin ?? kernel.bytes + 2 * initrd.bytes + kernelWorkingBytes
  const neededMiB = Math.ceil(neededBytes / 2 ** 20)
  if (memoryBytes < neededMiB * 2 ** 20) {
    return userError(
      `${mebibytes(memoryBytes)} of memory is too small for image ${name}; use --memory ${neededMiB}MiB or more`,
    )
  }
  return await openKernel(
    image.value.kernelPath,
    image.value.initrdPath,
    flags.exec,
    `the kernel of image ${name}`,
  )
}

async function openKernel(
  kernelPath: string,
  initrdPath: string | undefined,
  command: string | undefined,
  kernelName = kernelPath,
): Promise<Result<KernelFiles>> {
  const kernel = await openFile(kernelPath)
  if (!kernel.ok) return kernel
  if (initrdPath === undefined) return ok({ kernel: kernel.value, kernelName })
  // The kernel unpacks archives that lie one behind the other.
  const initrd = await openFile(initrdPath, command === undefined ? undefined : execArchive(command))
  return initrd.ok ? ok({ kernel: kernel.value, kernelName, initrd: initrd.value }) : initrd
}

/** A file that is being read. */
interface OpenFile {
  readonly bytes: Promise<Result<Uint8Array>>
}

/** Machine memory is at most this. */
const fileBytesMax = 2 ** 32

/** Begins to read a file; `tail` is laid behind its bytes. */
async function openFile(path: string, tail: Uint8Array = new Uint8Array(0)): Promise<Result<OpenFile>> {
  try {
    const file = await open(path)
    const fault = faultOf(await file.stat())
    if (fault !== undefined) {
      await file.close()
      return userError(`${path} ${fault}`)
    }
    const bytes = readWhole(file, tail).then(ok, (cause: unknown) => readFailure(path, cause))
    return ok({ bytes })
  } catch (cause) {
    return readFailure(path, cause)
  }
}

/** Why this cannot be a boot file, or undefined. */
function faultOf(file: Stats): string | undefined {
  if (file.isDirectory()) return 'is a folder; name a file'
  if (file.isCharacterDevice() || file.isBlockDevice()) return 'is a device; name a file'
  return file.size > fileBytesMax ? 'is larger than the memory of any machine' : undefined
}

async function readWhole(file: FileHandle, tail: Uint8Array): Promise<Uint8Array> {
  try {
    const { size } = await file.stat()
    // A pipe does not know its size.
    if (size === 0) return Buffer.concat([await file.readFile(), tail])
    const bytes = Buffer.allocUnsafeSlow(size + tail.length)
    let read = 0
    while (read < size) {
      const { bytesRead } = await file.read(bytes, read, size - read, read)
      if (bytesRead === 0) break
      read += bytesRead
    }
    bytes.set(tail, read)
    return bytes.subarray(0, read + tail.length)
  } finally {
    await file.close()
  }
}

/** A missing file is the user's mistake, an unreadable one the world's. */
function readFailure(path: string, cause: unknown): Result<never> {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return userError(`there is no file ${path}; check the path`, cause)
  }
  if (code === 'EISDIR') return userError(`${path} is a folder; name a file`, cause)
  return worldError(`cannot read ${path} (${code}); check its permissions`, cause)
}

/** The kernel's command line: the console, its size, and how a panic ends. */
function commandLineFor(flags: BootFlags): string {
  if (flags.kernel !== undefined) return flags.append ?? ''
  const { columns, rows } = process.stdout
  const terminal =
    columns === undefined
      ? []
      : [`TERM=${process.env.TERM ?? 'vt220'}`, `COLUMNS=${columns}`, `LINES=${rows}`]
  const mode = flags.exec === undefined ? [] : ['quiet', 'panic=-1']
  return ['console=ttyS0', ...mode, ...terminal, ...(flags.append === undefined ? [] : [flags.append])].join(
    ' ',
  )
}
