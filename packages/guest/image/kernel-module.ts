/**
 * What a kernel module says of itself: its .modinfo section.
 * Why: Debian's package carries no modules.dep (a maintainer script makes it, and none is run here), so
 * dependencies and aliases are read where depmod reads them.
 * @spec elf "Section Header Table"
 */

import { MalformedPackage } from '../unpack/malformed-package.ts'

/** One module, decompressed. Names have underscores, never dashes, as in the kernel's own lists. */
export interface KernelModule {
  readonly name: string
  /** Path below /lib/modules/RELEASE/, ending in .ko. */
  readonly path: string
  readonly depends: readonly string[]
  /** Patterns of the devices, file systems and algorithms it serves, such as `virtio:d00000001v*`. */
  readonly aliases: readonly string[]
  readonly data: Uint8Array
}

/** The module whose file, decompressed, is `data`. Throws `MalformedPackage` when it is no module. */
export function parseKernelModule(path: string, data: Uint8Array): KernelModule {
  const depends: string[] = []
  const aliases: string[] = []
  for (const line of new TextDecoder().decode(modinfoSection(path, data)).split('\0')) {
    const [key, value = ''] = splitOnce(line, '=')
    if (key === 'depends')
      depends.push(
        ...value
          .split(',')
          .filter((name) => name !== '')
          .map(moduleName),
      )
    if (key === 'alias') aliases.push(value)
  }
  return { name: moduleName(path), path, depends, aliases, data }
}

/** The kernel's name for the module in file `path`: no folder, no suffix, underscores. */
export function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1)
  return file.replace(/\.ko(\.xz)?$/, '').replaceAll('-', '_')
}

function modinfoSection(path: string, data: Uint8Array): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const isElf64Little = data.length >= 64 && view.getUint32(0) === 0x7f454c46 && view.getUint16(4) === 0x0201
  if (!isElf64Little) throw new MalformedPackage(`${path} in it is no kernel module`)

  const tableOffset = Number(view.getBigUint64(0x28, true))
  const entryBytes = view.getUint16(0x3a, true)
  const sectionCount = view.getUint16(0x3c, true)
  const namesIndex = view.getUint16(0x3e, true)
  const section = (index: number): { name: number; start: number; end: number } => {
    const at = tableOffset + index * entryBytes
    if (at + 64 > data.length) throw new MalformedPackage(`${path} in it is cut short`)
    const start = Number(view.getBigUint64(at + 0x18, true))
    return { name: view.getUint32(at, true), start, end: start + Number(view.getBigUint64(at + 0x20, true)) }
  }

  const names = section(namesIndex)
  const wanted = '.modinfo\0'
  for (let index = 0; index < sectionCount; index++) {
    const { name, start, end } = section(index)
    const nameStart = names.start + name
    const text = latin1.decode(data.subarray(nameStart, nameStart + wanted.length))
    if (text === wanted) return data.subarray(start, end)
  }
  throw new MalformedPackage(`${path} in it has no .modinfo section`)
}

const latin1 = new TextDecoder('latin1')

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)]
}
