/**
 * A throwaway Debian archive for tests: small packages with the files that images are made of, signed by a key
 * made on the spot. What serves it can then be slow, cut off, or wrong.
 */

import { createCleartextMessage, generateKey, readPrivateKey, sign } from 'openpgp'
import tar from 'tar-stream'
import { collect } from './unpack/byte-reader.ts'

export { MemoryStore } from './testing/memory-store.ts'

/** What to make the archive of. */
export interface TestArchiveOptions {
  /** Packs bytes as a .xz file. */
  readonly xz: (bytes: Uint8Array) => Uint8Array
  /** Fields of the Release file to change; an undefined one is left out. */
  readonly release?: Readonly<Record<string, string | undefined>>
  /** Modules of the kernel package to leave out. */
  readonly withoutModules?: readonly string[]
  /** Takes the place of the busybox package's bytes; the signed hashes are right for it. */
  readonly busyboxDeb?: Uint8Array
  /** More packages, by name. */
  readonly packages?: Readonly<Record<string, TestPackage>>
}

/** A package: fields of its stanza, such as Version and Depends, and what it holds, by path. */
export interface TestPackage {
  readonly fields?: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, TestFile>>
}

/** A file's text or bytes, or a link's target. */
export type TestFile = string | Uint8Array | { readonly symlink: string } | { readonly hardlink: string }

/** The archive: content by path below its root, and where its interesting parts are. */
export interface TestArchive {
  readonly files: ReadonlyMap<string, Uint8Array>
  /** The armored public key that signed it. */
  readonly key: string
  readonly kernelPath: string
  readonly busyboxPath: string
  readonly kernel: Uint8Array
}

const kernelRelease = '6.12.1-test'
const encoder = new TextEncoder()

/** Every module of the micro recipe, with what it depends on. */
const modules: Readonly<Record<string, readonly string[]>> = {
  'drivers/virtio/virtio_mmio': [],
  'drivers/virtio/virtio_balloon': [],
  'drivers/virtio/virtio_input': [],
  'drivers/input/evdev': [],
  'drivers/block/virtio_blk': [],
  'drivers/block/loop': [],
  'drivers/net/virtio_net': ['net_failover'],
  'drivers/net/net_failover': ['failover'],
  'net/core/failover': [],
  'drivers/char/hw_random/virtio-rng': [],
  'net/vmw_vsock/vsock': [],
  'net/vmw_vsock/vmw_vsock_virtio_transport': ['vmw_vsock_virtio_transport_common', 'vsock'],
  'net/vmw_vsock/vmw_vsock_virtio_transport_common': ['vsock'],
  // One that the recipe does not name: found by its name in what depends on it.
  'lib/fresh_split': [],
  'fs/ext4/ext4': ['jbd2', 'mbcache', 'crc16'],
  'fs/jbd2/jbd2': ['fresh_split'],
  'fs/mbcache': [],
  'lib/crc16': [],
  'crypto/crc32c_generic': [],
}

/** Makes an archive. `overlay` is in the kernel and no module, as a configuration might have it. */
export async function makeTestArchive(options: TestArchiveOptions): Promise<TestArchive> {
  const kernel = encoder.encode('kernel '.repeat(20_000))
  const kernelDeb = await makeDeb({
    [`boot/vmlinux-${kernelRelease}`]: kernel,
    [`usr/lib/modules/${kernelRelease}/modules.builtin`]: encoder.encode('kernel/fs/overlayfs/overlay.ko\n'),
    ...moduleFiles(options),
    'usr/share/doc/unwanted': encoder.encode('unwanted'),
  })
  const busyboxDeb = options.busyboxDeb ?? (await makeDeb({ 'usr/bin/busybox': encoder.encode('busybox') }))

  const kernelName = `linux-image-${kernelRelease}`
  const kernelPath = `pool/main/l/linux/${kernelName}.deb`
  const busyboxPath = 'pool/main/b/busybox/busybox-static.deb'
  const others = await Promise.all(
    Object.entries(options.packages ?? {}).map(async ([name, { fields, files }]) => {
      const deb = await makeDeb(files)
      const path = `pool/main/${name}.deb`
      return { path, deb, stanza: await packageStanza(name, { Version: '1', ...fields }, path, deb) }
    }),
  )
  const packageList = [
    await packageStanza('busybox-static', { Version: '1:1.37' }, busyboxPath, busyboxDeb),
    await packageStanza(
      'linux-image-riscv64',
      { Version: '6.12.1', Depends: `${kernelName} (= 6.12.1)` },
      'none',
      encoder.encode(''),
    ),
    await packageStanza(
      kernelName,
      { Version: '6.12.1', Depends: 'kmod, linux-base' },
      kernelPath,
      kernelDeb,
    ),
    ...others.map(({ stanza }) => stanza),
  ].join('\n')

  const packages = options.xz(encoder.encode(packageList))
  const { inRelease, key } = await signedRelease(packages, options)
  const files = new Map([
    ['dists/trixie/InRelease', encoder.encode(inRelease)],
    ['dists/trixie/main/binary-riscv64/Packages.xz', packages],
    [kernelPath, kernelDeb],
    [busyboxPath, busyboxDeb],
    ...others.map(({ path, deb }) => [path, deb] as const),
  ])
  return { files, key, kernelPath, busyboxPath, kernel }
}

async function signedRelease(
  packages: Uint8Array,
  options: TestArchiveOptions,
): Promise<{ inRelease: string; key: string }> {
  const fields = {
    Origin: 'Debian',
    Codename: 'trixie',
    ...options.release,
    SHA256: `\n ${await sha256(packages)} ${packages.length} main/binary-riscv64/Packages.xz`,
  }
  const lines = Object.entries(fields).map(([name, value]) =>
    value === undefined ? '' : `${name}: ${value}\n`,
  )
  const { privateKey, publicKey } = await generateKey({
    userIDs: [{ name: 'Throwaway' }],
    type: 'curve25519',
  })
  const message = await createCleartextMessage({ text: lines.join('') })
  const signingKeys = await readPrivateKey({ armoredKey: privateKey })
  return { inRelease: await sign({ message, signingKeys }), key: publicKey }
}

async function packageStanza(
  name: string,
  fields: Readonly<Record<string, string>>,
  path: string,
  deb: Uint8Array,
): Promise<string> {
  const all = { Package: name, ...fields, Filename: path, Size: deb.length, SHA256: await sha256(deb) }
  return Object.entries(all)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join('')
}

function moduleFiles({ xz, withoutModules = [] }: TestArchiveOptions): Record<string, Uint8Array> {
  const kept = Object.entries(modules).filter(
    ([path]) => !withoutModules.some((name) => path.endsWith(`/${name}`)),
  )
  return Object.fromEntries(
    kept.map(([path, depends]) => {
      const module = makeKernelModule([`alias=test:${path}*`, `depends=${depends.join(',')}`, 'license=GPL'])
      return [`usr/lib/modules/${kernelRelease}/kernel/${path}.ko.xz`, xz(module)]
    }),
  )
}

/** A relocatable 64-bit ELF with nothing but a .modinfo section of `lines`. @spec elf "Section Header Table" */
export function makeKernelModule(lines: readonly string[]): Uint8Array {
  const names = encoder.encode('\0.modinfo\0.shstrtab\0')
  const modinfo = encoder.encode(lines.map((line) => `${line}\0`).join(''))
  const headerBytes = 64
  const tableOffset = headerBytes + names.length + modinfo.length
  const file = new Uint8Array(tableOffset + 3 * 64)
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  file.set(names, headerBytes)
  file.set(modinfo, headerBytes + names.length)
  const view = new DataView(file.buffer)
  view.setBigUint64(0x28, BigInt(tableOffset), true)
  view.setUint16(0x3a, 64, true)
  view.setUint16(0x3c, 3, true)
  view.setUint16(0x3e, 2, true)
  const section = (index: number, name: number, start: number, bytes: number): void => {
    view.setUint32(tableOffset + index * 64, name, true)
    view.setBigUint64(tableOffset + index * 64 + 0x18, BigInt(start), true)
    view.setBigUint64(tableOffset + index * 64 + 0x20, BigInt(bytes), true)
  }
  section(1, 1, headerBytes + names.length, modinfo.length)
  section(2, 10, headerBytes, names.length)
  return file
}

/** A package of these files. */
export async function makeDeb(files: Readonly<Record<string, TestFile>>): Promise<Uint8Array> {
  const pack = tar.pack()
  for (const [path, content] of Object.entries(files)) {
    const name = `./${path}`
    if (typeof content === 'string') pack.entry({ name, mode: 0o755 }, content)
    // What a tar archive takes is a Buffer by its types; by its code any bytes will do.
    else if (content instanceof Uint8Array) pack.entry({ name, mode: 0o755 }, content as never)
    else if ('symlink' in content) pack.entry({ name, type: 'symlink', linkname: content.symlink })
    else pack.entry({ name, type: 'link', linkname: `./${content.hardlink}` })
  }
  pack.finalize()
  const data = await collect(pack as AsyncIterable<Uint8Array>)
  const member = (name: string, body: Uint8Array): (string | Uint8Array)[] => [
    `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`,
    `${String(body.length).padEnd(10)}\`\n`,
    body,
    body.length % 2 === 1 ? '\n' : '',
  ]
  const parts = [
    '!<arch>\n',
    ...member('debian-binary', encoder.encode('2.0\n')),
    ...member('data.tar', data),
  ]
  return new Uint8Array(await new Blob(parts as (string | Uint8Array<ArrayBuffer>)[]).arrayBuffer())
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
