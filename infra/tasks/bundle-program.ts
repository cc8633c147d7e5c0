/**
 * Puts the `virga` program and the entries of its threads together, each with all that it imports in few files. Why: a
 * machine's start loads some four hundred small modules on its threads, which takes longer than all else it does.
 *
 * `sources.json` beside them has what they were made of, with the time when each was last changed: who starts the program
 * takes the sources themselves when one has changed since.
 */
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { isNewest } from '../../apps/cli/newest.ts'

/** What is started by itself: the program, and its threads. */
const entries = ['virga', 'pcpu-worker', 'compiler-worker', 'io-worker']

/** Makes DIR/dist/ from the entries in DIR (from the root), unless it is there and no source has changed. */
export async function bundleProgram(rootDir: string, dir: string): Promise<void> {
  const app = join(rootDir, dir)
  const out = join(app, 'dist')
  const list = join(out, 'sources.json')
  if (isNewest(pathToFileURL(list))) return
  const startedMs = performance.now()
  const sources = new Set<string>()
  const bundle = await rolldown({
    cwd: app,
    platform: 'node',
    input: Object.fromEntries(entries.map((name) => [name, `./${name}.ts`])),
    plugins: [{ name: 'sources', moduleParsed: ({ id }) => void sources.add(id) }],
  })
  rmSync(out, { recursive: true, force: true })
  await bundle.write({ dir: out, format: 'esm', sourcemap: true })
  await bundle.close()
  // Libraries are many files; the lock file says when they change.
  const own = [...sources].filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
  const times = [...own, join(rootDir, 'package-lock.json')].map((path) => [
    relative(out, path),
    statSync(path).mtimeMs,
  ])
  writeFileSync(list, JSON.stringify(Object.fromEntries(times)))
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  console.log(`built ${dir}/dist: ${own.length} sources in ${seconds} s`)
}
