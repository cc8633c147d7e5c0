/** Front door of @virga/wasm. */
export { FunctionBuilder, type FunctionOptions, type Label } from './function-builder.ts'
export { type MemoryLimits, ModuleBuilder, type ModuleOptions, type TableLimits } from './module-builder.ts'
export { printWat, type WatOptions } from './print-wat.ts'
export type { Signature, ValType } from './value-types.ts'
