/** Code that one process compiled is there for the next. */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheRoot } from '@virga/host/cache'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { virga } from './virga.ts'

/** A cache of its own, with the images of the usual one. */
const cache = mkdtempSync(join(tmpdir(), 'virga-code-cache-'))
const folder = join(cache, 'virga/code')

interface Jit {
  readonly regions: number
  readonly guestInstructions: number
}

/** Boots, and gives what the JIT did. */
async function boot(...flags: readonly string[]): Promise<Jit> {
  const { status, stderr } = await virga(['run', '--exec', 'true', '--stats', 'json', ...flags], {
    environment: { XDG_CACHE_HOME: cache },
  })
  expect(status).toBe(0)
  return (JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { jit: Jit }).jit
}

beforeAll(async () => {
  expect((await virga(['image', 'pull', 'micro'])).status).toBe(0)
  mkdirSync(join(cache, 'virga'))
  for (const name of ['images', 'objects'])
    symlinkSync(join(cacheRoot(process.env), name), join(cache, 'virga', name))
})
afterAll(() => rmSync(cache, { recursive: true, force: true }))

it('the second boot compiles little, a damaged file does no harm, and without the cache nothing is kept', async () => {
  const first = await boot('--no-code-cache')
  expect(readdirSync(join(cache, 'virga'))).not.toContain('code')
  const second = await boot()
  expect(second.guestInstructions).toBeGreaterThan(first.guestInstructions / 2)
  const third = await boot()
  expect(third.regions).toBeGreaterThan(first.regions / 2)
  expect(third.guestInstructions).toBeLessThan(second.guestInstructions / 4)

  const [name = ''] = readdirSync(folder)
  truncateSync(join(folder, name), statSync(join(folder, name)).size - 1000)
  writeFileSync(join(folder, 'of-another-emitter'), 'anything')
  await boot()
  expect(readdirSync(folder)).toEqual([name])
})
