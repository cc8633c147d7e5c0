#!/usr/bin/env -S node --v8-pool-size=1
/**
 * The door of the `virga` program: its bundle, or its sources where one has changed since. Plain JavaScript, because Node has to translate TypeScript that it meets before
 * its cache of compiled code is on; threads find that cache by the environment. One thread for V8's optimiser is
 * enough: it takes them from the machines' processors.
 */

import { enableCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

// What V8's optimiser leaves out. Compiled guest code chains by tail calls through a table, so that it would inline one
// piece into another, again and again; and its loops hold calls on rare paths, which makes copies of them long and no
// faster. To be set while there is one thread: V8 does not expect it later.
for (const flag of ['inlining', 'inlining-call-indirect', 'deopt', 'loop-unrolling', 'loop-peeling']) {
  setFlagsFromString(`--no-wasm-${flag}`)
}

const { XDG_CACHE_HOME: cache = '', HOME: home = tmpdir() } = process.env
process.env.NODE_COMPILE_CACHE ??= join(isAbsolute(cache) ? cache : join(home, '.cache'), 'virga/compiled')
enableCompileCache()
const { isNewest } = await import('./newest.ts')
await import(isNewest(new URL('./dist/sources.json', import.meta.url)) ? './dist/virga.js' : './virga.ts')
