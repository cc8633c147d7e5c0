/** Front door of @virga/base. */
export { assert, defined, unreachable } from './assert.ts'
export { err, type Fault, ok, type Result, userError, type WorldError, worldError } from './result.ts'
