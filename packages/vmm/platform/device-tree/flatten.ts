/**
 * Writes a device tree as a flattened blob, version 17. @spec devicetree "Flattened Devicetree (DTB) Format"
 *
 * ```
 *   header 40 B │ memory reservations, 16 B each, zero-ended │ structure: tokens │ strings: property names
 * ```
 * Why our own: no maintained library for it exists in the npm registry, and the format is this small.
 * Invariants: everything is big-endian; tokens and values start at multiples of 4. A tree that cannot be written (a
 * duplicate name, a dangling reference, a text with a zero in it) is a mistake of ours and asserted.
 */

import { assert, defined } from '@virga/base'
import type { DeviceTreeNode, PropertyValue } from './node.ts'

/** Memory that the guest must leave alone from its first instruction. */
export interface MemoryReservation {
  readonly address: number
  readonly bytes: number
}

const magic = 0xd00dfeed
const version = 17
const lastCompatibleVersion = 16
const headerBytes = 40
const token = { beginNode: 1, endNode: 2, property: 3, end: 9 } as const
const nameLengthMax = 31
const utf8 = new TextEncoder()

/** The blob. `bootHart` is the id of the hart that starts. Nodes with a label get the property `phandle`. */
export function flatten(
  root: DeviceTreeNode,
  options: { readonly reservations?: readonly MemoryReservation[]; readonly bootHart?: number } = {},
): Uint8Array<ArrayBuffer> {
  assert(root.name === '', 'the root has no name')
  const phandles = numberLabels(root)
  const strings = new StringTable()
  const structure = new BigEndianWriter()
  writeNode(root, structure, strings, phandles)
  structure.u32(token.end)

  const reservations = new BigEndianWriter()
  for (const { address, bytes } of options.reservations ?? []) {
    reservations.u64(address)
    reservations.u64(bytes)
  }
  reservations.u64(0)
  reservations.u64(0)

  const names = strings.bytes()
  const structureOffset = headerBytes + reservations.length
  const stringsOffset = structureOffset + structure.length
  const out = new BigEndianWriter()
  for (const word of [
    magic,
    stringsOffset + names.length,
    structureOffset,
    stringsOffset,
    headerBytes,
    version,
    lastCompatibleVersion,
    options.bootHart ?? 0,
    names.length,
    structure.length,
  ]) {
    out.u32(word)
  }
  out.bytes(reservations.finish())
  out.bytes(structure.finish())
  out.bytes(names)
  return out.finish()
}

/** Phandles of the labels, from 1 in the order of the tree. */
function numberLabels(root: DeviceTreeNode): ReadonlyMap<string, number> {
  const phandles = new Map<string, number>()
  const visit = ({ label, children }: DeviceTreeNode): void => {
    if (label !== undefined) {
      assert(!phandles.has(label), `only one node has the label ${label}`)
      phandles.set(label, phandles.size + 1)
    }
    children.forEach(visit)
  }
  visit(root)
  return phandles
}

function writeNode(
  { name, label, properties, children }: DeviceTreeNode,
  out: BigEndianWriter,
  strings: StringTable,
  phandles: ReadonlyMap<string, number>,
): void {
  assert(
    name.replace(/@.*/, '').length <= nameLengthMax,
    `${name} is at most ${nameLengthMax} characters long`,
  )
  out.u32(token.beginNode)
  out.text(name)
  out.align()
  for (const [key, value] of Object.entries(properties)) {
    writeProperty(key, encode(value, phandles), out, strings)
  }
  if (label !== undefined) {
    const phandle = defined(phandles.get(label), `the phandle of ${label}`)
    writeProperty('phandle', encode({ cells: [phandle] }, phandles), out, strings)
  }
  const names = new Set<string>()
  for (const child of children) {
    assert(!names.has(child.name), `${name} has one child ${child.name}`)
    names.add(child.name)
    writeNode(child, out, strings, phandles)
  }
  out.u32(token.endNode)
}

function writeProperty(key: string, value: Uint8Array, out: BigEndianWriter, strings: StringTable): void {
  assert(key.length >= 1 && key.length <= nameLengthMax, `${key} is 1 to ${nameLengthMax} characters long`)
  out.u32(token.property)
  out.u32(value.length)
  out.u32(strings.offset(key))
  out.bytes(value)
  out.align()
}

function encode(value: PropertyValue, phandles: ReadonlyMap<string, number>): Uint8Array {
  const out = new BigEndianWriter()
  if (value === true) return out.finish()
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') out.text(value)
  else if ('cells' in value) {
    for (const cell of value.cells) {
      out.u32(
        typeof cell === 'number'
          ? cell
          : defined(phandles.get(cell.label), `a node with the label ${cell.label}`),
      )
    }
  } else for (const text of value) out.text(text)
  return out.finish()
}

/** Property names, each once, each ended by a zero. */
class StringTable {
  private readonly out = new BigEndianWriter()
  private readonly offsets = new Map<string, number>()

  offset(text: string): number {
    const known = this.offsets.get(text)
    if (known !== undefined) return known
    const offset = this.out.length
    this.offsets.set(text, offset)
    this.out.text(text)
    return offset
  }

  bytes(): Uint8Array {
    return this.out.finish()
  }
}

class BigEndianWriter {
  private readonly data: number[] = []

  get length(): number {
    return this.data.length
  }

  u32(value: number): void {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `${value} fits in an unsigned cell`)
    this.data.push(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)
  }

  u64(value: number): void {
    this.u32(Math.floor(value / 2 ** 32))
    this.u32(value % 2 ** 32)
  }

  bytes(source: Uint8Array): void {
    for (const byte of source) this.data.push(byte)
  }

  /** UTF-8, ended by a zero. */
  text(text: string): void {
    assert(!text.includes('\0'), 'a text in a device tree has no zero in it')
    this.bytes(utf8.encode(text))
    this.data.push(0)
  }

  align(): void {
    while (this.data.length % 4 !== 0) this.data.push(0)
  }

  finish(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.data)
  }
}
