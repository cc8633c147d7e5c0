#!/usr/bin/env node
/**
 * The door of the `virga` program. Plain JavaScript, because Node has to translate TypeScript that it meets before
 * its cache of compiled code is on; threads find that cache by the environment.
 */

import { enableCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'

const { XDG_CACHE_HOME: cache = '', HOME: home = tmpdir() } = process.env
process.env.NODE_COMPILE_CACHE ??= join(isAbsolute(cache) ? cache : join(home, '.cache'), 'virga/compiled')
enableCompileCache()
await import('./virga.ts')
