/** Front door of @virga/riscv. */
export { type Engine, type EngineHost, type EngineParts, instantiateEngine } from './engine.ts'
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
  renderLayout,
  tlbEntries,
} from './hart/layout.ts'
export {
  type CounterExample,
  type LiteratureEntry,
  popekGoldberg,
  type Report,
  type Row,
  type Verdict,
} from './isa/classify/index.ts'
export { type BitField, describeInstruction, type InstructionDescription } from './isa/describe.ts'
export type { CompressedInstruction, Instruction } from './isa/encoding.ts'
export {
  compressedInstructions,
  type Decoded,
  decode,
  findInstruction,
  instructionLength,
  instructions,
} from './isa/table.ts'
