/** For tests: builds small ELF64 files, so that each fault can be put in by hand. */

/** A segment to load, and where. */
export interface FixtureSegment {
  readonly physical: number
  readonly virtual?: number
  readonly bytes: Uint8Array
  readonly memoryBytes?: number
}

/** What the file says. */
export interface ElfFixture {
  readonly machine?: number
  readonly fileClass?: number
  readonly data?: number
  readonly type?: number
  readonly entry?: number
  readonly segments?: readonly FixtureSegment[]
  readonly symbols?: Readonly<Record<string, number>>
}

/** Of symbols that belong to no section. */
const absoluteSection = 0xfff1
const [headerBytes, programHeaderBytes, sectionHeaderBytes, symbolBytes] = [64, 56, 64, 24]

/** The file: header, program headers, segments, symbols, names, section headers. */
export function buildElf(fixture: ElfFixture = {}): Uint8Array {
  const segments = fixture.segments ?? [{ physical: 0x8000_0000, bytes: new Uint8Array(16).fill(0x13) }]
  const names = ['', ...Object.keys(fixture.symbols ?? {})]
  const nameBytes = new TextEncoder().encode(`${names.join('\0')}\0`)
  const payload = segments.reduce((sum, segment) => sum + segment.bytes.length, 0)
  const payloadAt = headerBytes + segments.length * programHeaderBytes
  const symbolsAt = payloadAt + payload
  const namesAt = symbolsAt + names.length * symbolBytes
  const sectionsAt = namesAt + nameBytes.length
  const file = new Uint8Array(sectionsAt + 3 * sectionHeaderBytes)
  const view = new DataView(file.buffer)
  const u64 = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true)
  file.set([0x7f, 0x45, 0x4c, 0x46, fixture.fileClass ?? 2, fixture.data ?? 1, 1])
  view.setUint16(16, fixture.type ?? 2, true)
  view.setUint16(18, fixture.machine ?? 243, true)
  u64(24, fixture.entry ?? segments[0]?.physical ?? 0)
  u64(32, headerBytes)
  u64(40, sectionsAt)
  view.setUint16(54, programHeaderBytes, true)
  view.setUint16(56, segments.length, true)
  view.setUint16(58, sectionHeaderBytes, true)
  view.setUint16(60, 3, true)
  let offset = payloadAt
  segments.forEach((segment, i) => {
    const at = headerBytes + i * programHeaderBytes
    view.setUint32(at, 1, true)
    u64(at + 8, offset)
    u64(at + 16, segment.virtual ?? segment.physical)
    u64(at + 24, segment.physical)
    u64(at + 32, segment.bytes.length)
    u64(at + 40, segment.memoryBytes ?? segment.bytes.length)
    file.set(segment.bytes, offset)
    offset += segment.bytes.length
  })
  let name = 0
  names.forEach((symbol, i) => {
    view.setUint32(symbolsAt + i * symbolBytes, name, true)
    view.setUint16(symbolsAt + i * symbolBytes + 6, absoluteSection, true)
    u64(symbolsAt + i * symbolBytes + 8, fixture.symbols?.[symbol] ?? 0)
    name += symbol.length + 1
  })
  file.set(nameBytes, namesAt)
  const section = (index: number, type: number, at: number, size: number, link: number) => {
    const base = sectionsAt + index * sectionHeaderBytes
    view.setUint32(base + 4, type, true)
    u64(base + 24, at)
    u64(base + 32, size)
    view.setUint32(base + 40, link, true)
  }
  section(1, 2, symbolsAt, names.length * symbolBytes, 2)
  section(2, 3, namesAt, nameBytes.length, 0)
  return file
}
