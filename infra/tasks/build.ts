/**
 * `npm run build`: what Node cannot run as it stands, and what it starts faster in few files. Writes AssemblyScript
 * constants from the tables that TypeScript shares with it, compiles packages/riscv/runtime to
 * packages/riscv/dist/runtime.wasm, generates interpreter.wasm beside it, bundles the `virga` program, and does nothing when
 * the inputs have not changed. `npm ci`, `npm start` and `npm test` call it.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { heat, renderLayout } from '../../packages/riscv/hart/layout.ts'
import { bundleProgram } from './bundle-program.ts'
import { CompileFailure, compileRuntime, compilerOptions } from './compile-runtime.ts'

const rootDir = join(import.meta.dirname, '../..')
const runtimeDir = 'packages/riscv/runtime'
const entryFile = `${runtimeDir}/index.ts`
const outDir = 'packages/riscv/dist'
/** What the interpreter is generated from. */
const interpreterDirs = [
  'packages/riscv/isa',
  'packages/riscv/interpreter',
  'packages/riscv/hart',
  'packages/wasm',
]
/** Largest memory that the engine can be given, in pages of 64 KiB: all that 32 bits address. */
const pagesMax = 65536
/** Arrivals after which it is asked whether somebody compiled the code before. */
const earlyArrivals = 8
/** What compiled code depends on: it is kept on disk under the digest of these. */
const emitterDirs = [...interpreterDirs, 'packages/riscv/jit', runtimeDir]

/** AssemblyScript files made from TypeScript tables: path under the runtime folder, and what renders it. */
const generated: Readonly<Record<string, () => string>> = {
  'generated/layout.ts': renderLayout,
}

async function main(): Promise<void> {
  for (const [path, render] of Object.entries(generated)) writeIfChanged(`${runtimeDir}/${path}`, render())
  await makeArtifact('runtime', [runtimeDir], () => compileRuntime(rootDir, entryFile))
  await makeArtifact('interpreter', interpreterDirs, () => buildInterpreter())
  await makeArtifact('interpreter-profiling', interpreterDirs, () =>
    buildInterpreter({ threshold: heat.hot, early: earlyArrivals }),
  )
  writeIfChanged(`${outDir}/emitter.version`, hashInputs(emitterDirs))
  await bundleProgram(rootDir, 'apps/cli')
}

/** Makes packages/riscv/dist/NAME.wasm, unless it is there and its inputs have not changed. */
async function makeArtifact(
  name: string,
  inputDirs: readonly string[],
  make: () => Uint8Array | Promise<Uint8Array>,
): Promise<void> {
  const outFile = `${outDir}/${name}.wasm`
  const stampFile = `${outDir}/${name}.inputs`
  const inputs = hashInputs(inputDirs)
  if (existsSync(join(rootDir, outFile)) && read(stampFile) === inputs) return
  const startedMs = performance.now()
  const wasm = await make()
  replaceFile(outFile, wasm)
  replaceFile(stampFile, inputs)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  console.log(`built ${outFile}: ${wasm.length} bytes in ${seconds} s`)
}

/** Imported late: what it imports may have just been written. */
async function buildInterpreter(profiling?: { threshold: number; early: number }): Promise<Uint8Array> {
  const { buildInterpreter } = await import('../../packages/riscv/interpreter/build.ts')
  return buildInterpreter(pagesMax, profiling)
}

/** A digest of everything that an artifact is made of: sources, options and compiler. */
function hashInputs(dirs: readonly string[]): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([compilerOptions, read('node_modules/assemblyscript/package.json')]))
  for (const dir of dirs) {
    const sources = readdirSync(join(rootDir, dir), { recursive: true, encoding: 'utf8' })
    for (const path of sources.filter((name) => isInput(name)).sort()) {
      hash.update(`\0${dir}/${path}\0${read(`${dir}/${path}`)}`)
    }
  }
  return hash.digest('hex')
}

/** Whether a file goes into an artifact: tests and what only they use do not. */
function isInput(path: string): boolean {
  return path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.startsWith('testing/')
}

/** The text of a file under the root, or undefined when there is none. */
function read(path: string): string | undefined {
  const file = join(rootDir, path)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

function writeIfChanged(path: string, text: string): void {
  if (read(path) !== text) replaceFile(path, text)
}

/** Writes beside and renames, so that a build running at the same time never sees half a file. */
function replaceFile(path: string, contents: string | Uint8Array): void {
  const file = join(rootDir, path)
  mkdirSync(dirname(file), { recursive: true })
  const beside = `${file}.${process.pid}`
  writeFileSync(beside, contents)
  renameSync(beside, file)
}

try {
  await main()
} catch (error) {
  if (!(error instanceof CompileFailure)) throw error
  console.error(`${entryFile} does not compile:\n${error.message}`)
  process.exitCode = 1
}
