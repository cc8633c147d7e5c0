/**
 * Compiles the AssemblyScript runtime of packages/riscv to one WebAssembly module.
 *
 * Invariants of the module, each checked here or by the engine that loads it:
 * - it imports `env.memory`, shared, of any size up to 4 GiB, and defines no memory of its own;
 * - it has no data segment: all pCPU threads instantiate it on the same memory, so static data would be written
 *   again over a running machine;
 * - it never allocates and never calls back for an assertion: a failed one traps.
 */
import { sectionId, wasmSections } from './wasm-sections.ts'

/** The compiler's options but for the files. They are part of the build's input hash. */
export const compilerOptions: readonly string[] = [
  ...['--runtime', 'stub'],
  ...['--importMemory', '--noExportMemory', '--sharedMemory'],
  // pages of 64 KiB: an importer may bring less than the maximum, so tests need not reserve 4 GiB
  ...['--initialMemory', '1', '--maximumMemory', '65536'],
  ...['--enable', 'threads', '--enable', 'simd', '--enable', 'relaxed-simd'],
  ...['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge'],
  ...['--noAssert', '--use', 'abort='],
]

/** As much of the compiler's interface as is used: its own typings redeclare globals such as `console`. */
interface Compiler {
  main(
    args: readonly string[],
    host: { writeFile(name: string, contents: Uint8Array | string): void },
  ): Promise<{ readonly error: Error | null; readonly stderr: { toString(): string } }>
}
const compilerModule: string = 'assemblyscript/asc'

/** What went wrong, as the compiler prints it: file, line and message. */
export class CompileFailure extends Error {}

/**
 * Compiles `entryFile` and what it imports. Both paths are relative to `rootDir` or absolute; the result is only
 * returned, not written. Throws CompileFailure with the compiler's report, or when the module has static data.
 */
export async function compileRuntime(rootDir: string, entryFile: string): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined
  const outFile = 'runtime.wasm'
  const compiler: Compiler = await import(compilerModule)
  const { error, stderr } = await compiler.main(
    [entryFile, '--baseDir', rootDir, '--outFile', outFile, '--noColors', ...compilerOptions],
    {
      writeFile: (name, contents) => {
        if (name === outFile && typeof contents !== 'string') wasm = contents
      },
    },
  )
  if (error !== null || wasm === undefined) {
    throw new CompileFailure(`${stderr.toString().trim()}\n${error?.message ?? 'no output'}`)
  }
  checkNoStaticData(wasm)
  return wasm
}

function checkNoStaticData(wasm: Uint8Array): void {
  for (const { id, entryCount } of wasmSections(wasm)) {
    if (id === sectionId.data && entryCount > 0) {
      throw new CompileFailure(
        `the runtime has ${entryCount} data segments; it may hold no string, array literal or StaticArray, because its memory is shared`,
      )
    }
  }
}
