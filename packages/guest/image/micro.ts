/**
 * The recipe of the `micro` image: Debian's kernel, and an initramfs of busybox, a small init and the kernel
 * modules a machine of this VMM can need. Everything runs from memory; there is no disk.
 */

import { defined } from '@virga/base'
import { guestFileEntries } from '../server/guest-files.ts'
import { collect } from '../unpack/byte-reader.ts'
import { readDeb } from '../unpack/deb.ts'
import { MalformedPackage } from '../unpack/malformed-package.ts'
import { decompressXz } from '../unpack/xz.ts'
import { type CpioEntry, writeCpio } from './cpio.ts'
import { etcFiles, type InitOptions, initScript } from './init-script.ts'
import { type KernelModule, moduleName, parseKernelModule } from './kernel-module.ts'
import { missingModules, moduleTreeEntries } from './module-tree.ts'

/** Modules to load when their device, file system or algorithm is there, with what they depend on. */
const moduleNames = [
  ...['virtio_mmio', 'virtio_blk', 'virtio_net', 'net_failover', 'failover', 'virtio_rng', 'virtio_balloon'],
  ...['virtio_input', 'evdev'],
  ...['vsock', 'vmw_vsock_virtio_transport', 'vmw_vsock_virtio_transport_common'],
  ...['ext4', 'jbd2', 'mbcache', 'crc16', 'crc32c_generic', 'overlay', 'loop'],
] as const

/** Opens a verified package; every call starts at its first byte. */
export type OpenPackage = () => AsyncIterable<Uint8Array>

/** The two files a machine is started from. */
export interface BootFiles {
  /** Debian's kernel as it is, a RISC-V `Image`. */
  readonly kernel: Uint8Array
  /** A cpio archive, not compressed: to copy it is less work for the guest than to unpack it. */
  readonly initrd: Uint8Array
  /** Such as `6.12.1+deb13-riscv64`. */
  readonly kernelRelease: string
  /** Least memory of a machine that can start from them; absent: as little as a kernel and its files take. */
  readonly memoryBytesMin?: number
}

/** The two packages that every image begins from. */
export interface MicroPackages {
  readonly kernel: OpenPackage
  readonly busybox: OpenPackage
}

/** Builds the image from its packages. Throws `MalformedPackage` when they are not as expected. */
export async function buildMicro(packages: MicroPackages): Promise<BootFiles> {
  const { entries, ...rest } = await readMicro(packages, { hostname: 'micro', hasPrograms: false })
  return { ...rest, initrd: writeCpio(entries) }
}

/** The kernel, and what the initial RAM disk holds, parents first. Throws as `buildMicro` does. */
export async function readMicro(
  packages: MicroPackages,
  init: InitOptions,
): Promise<Omit<BootFiles, 'initrd'> & { readonly entries: readonly CpioEntry[] }> {
  const busybox = await readBusybox(packages.busybox)
  const { kernel, kernelRelease, modules } = await readKernelPackage(packages.kernel)
  const entries = [...baseEntries(busybox, init), ...moduleTreeEntries(kernelRelease, modules)]
  return { kernel, kernelRelease, entries }
}

function baseEntries(busybox: Uint8Array, init: InitOptions): CpioEntry[] {
  const directories = [
    'bin',
    'dev',
    'etc',
    'lib',
    'mnt',
    'proc',
    'root',
    'run',
    'sbin',
    'sys',
    'usr',
    'usr/bin',
  ]
  const encoder = new TextEncoder()
  return [
    ...[...directories, 'usr/sbin', 'var'].map((path) => ({ kind: 'directory', path, mode: 0o755 }) as const),
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'file', path: 'bin/busybox', mode: 0o755, data: busybox },
    { kind: 'file', path: 'init', mode: 0o755, data: encoder.encode(initScript(init)) },
    ...guestFileEntries(),
    ...Object.entries(etcFiles(init)).map(
      ([path, content]) => ({ kind: 'file', path, mode: 0o644, data: encoder.encode(content) }) as const,
    ),
  ]
}

async function readBusybox(open: OpenPackage): Promise<Uint8Array> {
  for await (const { content } of readDeb(open(), 'data', (path) => /^(usr\/)?bin\/busybox$/.test(path))) {
    if (content.kind === 'file') return content.data
  }
  throw new MalformedPackage('it has no busybox program')
}

interface KernelPackage {
  readonly kernel: Uint8Array
  readonly kernelRelease: string
  readonly modules: readonly KernelModule[]
}

async function readKernelPackage(open: OpenPackage): Promise<KernelPackage> {
  const wanted = new Set<string>(moduleNames)
  for (;;) {
    const read = await readKernelFiles(open, wanted)
    const lacking = missingModules(wanted, read.modules, read.builtin)
    const sought = lacking.filter((name) => wanted.has(name))
    if (sought.length > 0) throw new MalformedPackage(`it lacks the kernel modules ${sought.join(', ')}`)
    if (lacking.length === 0) return read
    // A newer kernel has split a module: one more pass takes what the list above does not name.
    for (const name of lacking) wanted.add(name)
  }
}

async function readKernelFiles(
  open: OpenPackage,
  wanted: ReadonlySet<string>,
): Promise<KernelPackage & { builtin: ReadonlySet<string> }> {
  const kernelPath = /^boot\/vmlinu[xz]-(.+)$/
  const modulePath = /^(?:usr\/)?lib\/modules\/[^/]+\/(kernel\/.+\.ko)(?:\.xz)?$/
  const builtinPath = /^(?:usr\/)?lib\/modules\/[^/]+\/modules\.builtin$/
  const isWanted = (path: string): boolean =>
    kernelPath.test(path) || builtinPath.test(path) || (modulePath.test(path) && wanted.has(moduleName(path)))

  let kernel: Uint8Array | undefined
  let kernelRelease = ''
  let builtin = new Set<string>()
  const compressed: { path: string; data: Uint8Array; isXz: boolean }[] = []
  for await (const { path, content } of readDeb(open(), 'data', isWanted)) {
    if (content.kind !== 'file') continue
    const module = modulePath.exec(path)
    if (module !== null) {
      compressed.push({
        path: defined(module[1], 'module path'),
        data: content.data,
        isXz: path.endsWith('.xz'),
      })
    } else if (builtinPath.test(path)) {
      builtin = new Set(new TextDecoder().decode(content.data).trim().split('\n').map(moduleName))
    } else {
      kernel = content.data
      kernelRelease = defined(kernelPath.exec(path)?.[1], 'kernel release')
    }
  }
  if (kernel === undefined) throw new MalformedPackage('it has no kernel in /boot')
  // Only now: the decoder has one stream at a time, and the package itself was one.
  const modules: KernelModule[] = []
  for (const { path, data, isXz } of compressed) {
    modules.push(parseKernelModule(path, isXz ? await collect(decompressXz(single(data))) : data))
  }
  return { kernel, kernelRelease, modules, builtin }
}

async function* single(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data
}
