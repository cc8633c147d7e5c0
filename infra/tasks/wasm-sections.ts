/**
 * Lists the sections of a WebAssembly binary. Why: the build promises that the runtime carries no data segment, and
 * the JavaScript interface of WebAssembly shows imports and exports but not data.
 */

/** Section ids that the build asks about. @spec wasm-core "Binary Format: Modules" */
export const sectionId = { memory: 5, data: 11 } as const

/** One section: its id, and how many entries its vector holds (0 for a custom section). */
export interface WasmSection {
  readonly id: number
  readonly entryCount: number
}

const headerBytes = 8

/** The sections of `bytes`, in order. Throws when `bytes` is no WebAssembly module: it was just compiled here. */
export function wasmSections(bytes: Uint8Array): WasmSection[] {
  if (!WebAssembly.validate(bytes)) throw new Error('not a valid WebAssembly module')
  const sections: WasmSection[] = []
  let at = headerBytes
  while (at < bytes.length) {
    const id = bytes[at] ?? 0
    const size = readUnsigned(bytes, at + 1)
    const entryCount = id === 0 ? 0 : readUnsigned(bytes, size.end).value
    sections.push({ id, entryCount })
    at = size.end + size.value
  }
  return sections
}

function readUnsigned(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let end = start, scale = 1; ; scale *= 128) {
    const byte = bytes[end++] ?? 0
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return { value, end }
  }
}
