/** Front door of @virga/base. */
export { assert, defined, unreachable } from './assert.ts'
export { type Fault, type Result, type WorldError, err, ok, userError, worldError } from './result.ts'
