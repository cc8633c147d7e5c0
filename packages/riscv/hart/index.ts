/** Side door of @virga/riscv, for what runs harts: the engine and the layout of a hart block, without the tables. */
export {
  type Engine,
  type EngineHost,
  type EngineParts,
  instantiateEngine,
  type RegionHost,
  type RegionHostMaker,
} from '../engine.ts'
export {
  codePage,
  hartBlockBytes,
  hartExit,
  hartFields,
  hartFlag,
  hartOffset,
  hartPart,
  hartRequest,
  hartStatus,
  interruptIdentityWords,
  tlbEntries,
  traceEntries,
} from './layout.ts'
