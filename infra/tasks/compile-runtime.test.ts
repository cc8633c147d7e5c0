/** The runtime's compiler on small runtimes: what it promises of the module, and what it refuses. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CompileFailure, compileRuntime } from './compile-runtime.ts'
import { sectionId, wasmSections } from './wasm-sections.ts'

const dir = mkdtempSync(join(tmpdir(), 'virga-runtime-'))
afterAll(() => rmSync(dir, { recursive: true }))

function compile(text: string): Promise<Uint8Array> {
  writeFileSync(join(dir, 'index.ts'), text)
  return compileRuntime(dir, 'index.ts')
}

describe('a runtime', () => {
  it('works on a shared memory of any size that is passed in', async () => {
    const wasm = await compile(`
      export function add(at: usize, value: i64): i64 {
        assert(at > 0, 'a message that takes no room')
        return atomic.add<i64>(at, value)
      }`)
    const module = new WebAssembly.Module(wasm)
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }])
    expect(WebAssembly.Module.exports(module).map(({ name }) => name)).toEqual(['add'])
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
    const { add } = new WebAssembly.Instance(module, { env: { memory } }).exports
    expect([add(8, 5n), add(8, -7n), new BigInt64Array(memory.buffer)[1]]).toEqual([0n, 5n, -2n])
  })

  it.each([
    ['a string', "export function f(): i32 { return changetype<i32>('text') }"],
    ['a table', 'const t: StaticArray<i32> = [1, 2, 3]\nexport function f(i: i32): i32 { return t[i] }'],
  ])('with %s is refused: it would be written over a running machine', async (_, text) => {
    await expect(compile(text)).rejects.toThrow(/data segments/)
  })

  it('with a mistake is refused with the compiler’s report', async () => {
    const refused = compile('export function f(): i32 { return absent }')
    await expect(refused).rejects.toThrow(CompileFailure)
    await expect(refused).rejects.toThrow(/Cannot find name 'absent'[\s\S]*index\.ts\(1,/)
  })
})

describe('the sections of a module', () => {
  /** A module of one memory and one passive data segment of `length` bytes, so that sizes take several digits. */
  function moduleWithData(length: number): Uint8Array {
    const unsigned = (value: number): number[] =>
      value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
    const segment = [1, ...unsigned(length), ...new Uint8Array(length)]
    const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
    return new Uint8Array([
      ...header,
      5,
      3,
      1,
      0,
      1,
      11,
      ...unsigned(segment.length + 1),
      1,
      ...segment,
      0,
      2,
      1,
      0x78,
    ])
  }

  it.each([0, 1, 127, 128, 20_000])('are found past a segment of %i bytes', (length) => {
    expect(wasmSections(moduleWithData(length))).toEqual([
      { id: sectionId.memory, entryCount: 1 },
      { id: sectionId.data, entryCount: 1 },
      { id: 0, entryCount: 0 },
    ])
  })

  it('are not looked for in what is no module', () => {
    expect(() => wasmSections(new Uint8Array(16))).toThrow('not a valid WebAssembly module')
  })
})
