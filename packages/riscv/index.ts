/** Front door of @virga/riscv: the instruction set. What runs harts is behind `@virga/riscv/hart`. */
export {
  type CounterExample,
  type LiteratureEntry,
  popekGoldberg,
  type Report,
  type Row,
  type Verdict,
} from './isa/classify/index.ts'
export { csrByNumber } from './isa/csr.ts'
export { type BitField, describeInstruction, type InstructionDescription } from './isa/describe.ts'
export { disassemble, floatNames, integerNames } from './isa/disassemble.ts'
export { type CompressedInstruction, type Instruction, instructionLength } from './isa/encoding.ts'
export {
  compressedInstructions,
  type Decoded,
  decode,
  findInstruction,
  instructions,
} from './isa/table.ts'
