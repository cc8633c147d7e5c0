/** Side door of @virga/riscv, for threads that run harts with compiled code: without the tables. */
export type { CompiledBatch, CompiledRegion, RegionRequest } from './compile.ts'
export type { Bounds } from './epochs.ts'
export { type CompileCost, type LinkableBatch, type LinkerParts, RegionLinker } from './linker.ts'
