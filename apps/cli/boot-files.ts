/**
 * The files that a machine boots from: those of an image, or those that the user names. Why in two steps: a kernel and an
 * initrd are read by background threads, right into the machine's memory, once there is one.
 */

import type { Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ok, type Result, userError, worldError } from '@virga/base'
import { execArchive, parseImageName } from '@virga/guest'
import { type BareBoot, type BootFile, type DirectBoot, isElf, lateHeadBytes } from '@virga/vmm'
import { pull } from './image-store.ts'
import { lateFile } from './late-file.ts'
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

/** What a machine boots from. */
export interface OpenBoot {
  readonly boot: DirectBoot | BareBoot
  /** Resolves when the files that come late are in the machine that was made of `boot`. To be called, if none was made too. */
  readonly filled: () => Promise<Result<unknown>>
}

/**
 * Opens what `flags` name; an image that is not there is pulled first. `whole`: its files are read now, since somebody
 * wants to look at them.
 */
export async function openBoot(
  flags: BootFlags,
  memoryBytes: number,
  whole = false,
): Promise<Result<OpenBoot>> {
  if (flags.bare !== undefined) {
    const program = await openFile(flags.bare)
    if (!program.ok) return program
    const bytes = await readWhole(program.value)
    if (!bytes.ok) return bytes
    const boot = { kind: 'bare', program: bytes.value, programName: flags.bare } as const
    return ok({ boot, filled: async () => ok(undefined) })
  }
  const files = await (flags.kernel === undefined
    ? openImage(flags, memoryBytes)
    : openKernel(flags.kernel, flags.initrd, flags.exec))
  return files.ok ? await openDirect(files.value, commandLineFor(flags), whole) : files
}

async function openDirect(
  { kernel, kernelName, initrd }: KernelFiles,
  commandLine: string,
  whole: boolean,
): Promise<Result<OpenBoot>> {
  const filling: (() => Promise<Result<unknown>>)[] = []
  const read = (file: OpenFile) => (whole ? readWhole(file) : defer(file, filling))
  const [kernelFile, initrdFile] = await Promise.all([read(kernel), initrd && read(initrd)])
  if (!kernelFile.ok) return kernelFile
  if (initrdFile?.ok === false) return initrdFile
  const boot = { kind: 'direct', kernel: kernelFile.value, kernelName, commandLine } as const
  const filled = async () => {
    const outcomes = await Promise.all(filling.map((each) => each()))
    return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined)
  }
  return ok({ boot: initrdFile === undefined ? boot : { ...boot, initrd: initrdFile.value }, filled })
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

/** A file that is open; `tail` is laid behind its bytes. */
interface OpenFile {
  readonly path: string
  readonly file: FileHandle
  /** 0 for a pipe, which does not know its size */
  readonly sizeBytes: number
  readonly tail: Uint8Array
}

/** Machine memory is at most this. */
const fileBytesMax = 2 ** 32

async function openFile(path: string, tail: Uint8Array = new Uint8Array(0)): Promise<Result<OpenFile>> {
  try {
    const file = await open(path)
    const stats = await file.stat()
    const fault = faultOf(stats)
    if (fault === undefined) return ok({ path, file, sizeBytes: stats.size, tail })
    await file.close()
    return userError(`${path} ${fault}`)
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

/** Reads all of a file and closes it. */
async function readWhole({ path, file, tail }: OpenFile): Promise<Result<Uint8Array>> {
  try {
    return ok(Buffer.concat([await file.readFile(), tail]))
  } catch (cause) {
    return readFailure(path, cause)
  } finally {
    await file.close()
  }
}

/** A file that comes late, if it can: `filling` hears when it has come, and is closed. */
async function defer(
  opened: OpenFile,
  filling: (() => Promise<Result<unknown>>)[],
): Promise<Result<BootFile>> {
  const { path, file, sizeBytes, tail } = opened
  if (sizeBytes <= lateHeadBytes) return await readWhole(opened)
  try {
    const { buffer: head } = await file.read(new Uint8Array(lateHeadBytes), 0, lateHeadBytes, 0)
    if (isElf(head)) return await readWhole(opened)
    const reads: Promise<unknown>[] = []
    filling.push(() => settle(opened, reads))
    return ok(lateFile({ file, sizeBytes, head, tail }, reads))
  } catch (cause) {
    await file.close()
    return readFailure(path, cause)
  }
}

async function settle(
  { path, file }: OpenFile,
  reads: readonly Promise<unknown>[],
): Promise<Result<unknown>> {
  const outcomes = await Promise.allSettled(reads)
  await file.close()
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  return failed === undefined ? ok(undefined) : readFailure(path, failed.reason)
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
