#!/usr/bin/env node
/** The `virga` program: parses the command line and hands over to a command. */

import { enableCompileCache } from 'node:module'

enableCompileCache()
const { createProgram } = await import('./program.ts')
await createProgram().parseAsync()
