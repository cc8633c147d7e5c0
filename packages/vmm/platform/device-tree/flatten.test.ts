/** Blobs read back by a reader of their own, and by dtc. */
import { describe, expect, it } from 'vitest'
import { flatten } from './flatten.ts'
import { cells, type DeviceTreeNode, labelled, node, reference, wideCells } from './node.ts'

interface Parsed {
  readonly name: string
  readonly properties: Record<string, number[]>
  readonly children: Parsed[]
}

/** A reader written from the specification: header, reservations, structure. */
function read(blob: Uint8Array) {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
  const header = Array.from({ length: 10 }, (_, i) => view.getUint32(4 * i))
  const [magic, total, structure, strings, reserved, version, compatible, hart, stringBytes, structureBytes] =
    header as [number, number, number, number, number, number, number, number, number, number]
  const text = (at: number) => new TextDecoder().decode(blob.subarray(at, blob.indexOf(0, at)))
  const aligned = (at: number) => Math.ceil(at / 4) * 4
  const reservations: bigint[][] = []
  for (let at = reserved; view.getBigUint64(at + 8) !== 0n; at += 16) {
    reservations.push([view.getBigUint64(at), view.getBigUint64(at + 8)])
  }
  let at = structure
  const readNode = (): Parsed => {
    expect(view.getUint32(at)).toBe(1)
    const name = text(at + 4)
    at = aligned(at + 4 + name.length + 1)
    const parsed: Parsed = { name, properties: {}, children: [] }
    while (view.getUint32(at) === 3) {
      const bytes = view.getUint32(at + 4)
      parsed.properties[text(strings + view.getUint32(at + 8))] = [...blob.subarray(at + 12, at + 12 + bytes)]
      at = aligned(at + 12 + bytes)
    }
    while (view.getUint32(at) === 1) parsed.children.push(readNode())
    expect(view.getUint32(at)).toBe(2)
    at += 4
    return parsed
  }
  const root = readNode()
  expect(view.getUint32(at)).toBe(9)
  expect(at + 4).toBe(structure + structureBytes)
  expect([structure % 4, reserved % 8, total]).toEqual([0, 0, blob.length])
  return { magic, version, compatible, hart, stringBytes, reservations, root }
}

describe('a tree that cannot be written', () => {
  const broken: [string, DeviceTreeNode, string][] = [
    ['a named root', node('root', {}), 'no name'],
    ['two children of one name', node('', {}, [node('a', {}), node('a', {})]), 'one child a'],
    ['a dangling reference', node('', { to: cells(reference('gone')) }), 'label gone'],
    [
      'one label twice',
      node(
        '',
        {},
        ['a', 'b'].map((name) => labelled('same', node(name, {}))),
      ),
      'label same',
    ],
    ['a number too large for a cell', node('', { big: cells(2 ** 32) }), 'fits'],
    ['a negative cell', node('', { big: cells(-1) }), 'fits'],
    ['a text with a zero', node('', { text: 'a\0b' }), 'no zero'],
    ['a property with a long name', node('', { ['p'.repeat(32)]: true }), '31'],
    ['a node with a long name', node('', {}, [node('n'.repeat(32), {})]), '31'],
  ]
  for (const [what, tree, reason] of broken) {
    it(`${what} is asserted`, () => expect(() => flatten(tree)).toThrow(reason))
  }
})

describe('flatten', () => {
  it('writes an empty tree', () => {
    const { root, ...rest } = read(flatten(node('', {})))
    expect(root).toEqual({ name: '', properties: {}, children: [] })
    expect(rest).toEqual({
      magic: 0xd00dfeed,
      version: 17,
      compatible: 16,
      hart: 0,
      stringBytes: 0,
      reservations: [],
    })
  })

  it('writes each kind of value, shares names, and resolves references in both directions', () => {
    const tree = node('', { empty: true, reg: cells(1, 0xffff_ffff), to: cells(reference('late')) }, [
      labelled('early', node('a@1', { reg: wideCells(0x1_2345_6789), text: 'aé' })),
      labelled(
        'late',
        node('b', { list: ['x', '', 'yz'], raw: Uint8Array.of(1, 2, 3), to: cells(reference('early')) }),
      ),
    ])
    const { root, stringBytes } = read(flatten(tree))
    expect(root).toEqual({
      name: '',
      properties: { empty: [], reg: [0, 0, 0, 1, 255, 255, 255, 255], to: [0, 0, 0, 2] },
      children: [
        {
          name: 'a@1',
          properties: {
            reg: [0, 0, 0, 1, 0x23, 0x45, 0x67, 0x89],
            text: [0x61, 0xc3, 0xa9, 0],
            phandle: [0, 0, 0, 1],
          },
          children: [],
        },
        {
          name: 'b',
          properties: {
            list: [0x78, 0, 0, 0x79, 0x7a, 0],
            raw: [1, 2, 3],
            to: [0, 0, 0, 1],
            phandle: [0, 0, 0, 2],
          },
          children: [],
        },
      ],
    })
    expect(stringBytes).toBe('empty reg to text phandle list raw '.length)
  })

  it('writes reservations and the boot hart', () => {
    const options = { reservations: [{ address: 0x1_8000_0000, bytes: 4096 }], bootHart: 3 }
    const { reservations, hart } = read(flatten(node('', { x: true }), options))
    expect([reservations, hart]).toEqual([[[0x1_8000_0000n, 4096n]], 3])
  })
})
