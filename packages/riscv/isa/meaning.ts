/**
 * The language in which instructions are defined.
 *
 * Why: an instruction's meaning is written once, against this interface, and read by several machines: the
 * evaluator (values are BigInts), the interpreter's generator (values are wasm expressions over operands that
 * are read at run time) and, later, the JIT (operands known). Speed lives in the readers' operations, not here.
 *
 * Rules for definitions: values are 64-bit patterns; a shift amount is taken modulo 64; comparisons give 0 or
 * 1; a value used after `setRd`/`setFrd` that depends on registers must be bound with `let` before it, because
 * the destination may be one of the sources. Memory operations happen where they are called.
 */

/** Bits of a memory access. */
export type Width = 8 | 16 | 32 | 64

/** The sign of b, its opposite, or the exclusive or of both signs: FSGNJ, FSGNJN, FSGNJX. */
export type SignOperation = 'copy' | 'opposite' | 'xor'

/** Floating-point format: `s` is binary32, `d` is binary64. @spec ieee-754 "Binary interchange formats" */
export type Format = 's' | 'd'

/** Integer types of conversions, by the assembly suffix: w i32, wu u32, l i64, lu u64. */
export type IntegerKind = 'w' | 'wu' | 'l' | 'lu'

/** Read-modify-write operations of the A extension. */
export type AmoOperation = 'swap' | 'add' | 'xor' | 'and' | 'or' | 'min' | 'max' | 'minu' | 'maxu'

/** What a CSR instruction does with its operand. */
export type CsrOperation = 'write' | 'set' | 'clear'

/** Cache-block operations. The numbers are the encoding's. */
export type CboOperation = 'inval' | 'clean' | 'flush' | 'zero'

/** Operations of one reader. `V` is the reader's notion of a 64-bit value. */
export interface Meaning<V> {
  // Operands of this instruction.
  /** integer source register 1 */
  rs1(): V
  /** integer source register 2 */
  rs2(): V
  /** the immediate, sign-extended (U-type: already shifted left by 12; shifts: the amount) */
  imm(): V
  /** the 5-bit unsigned immediate of csrr*i */
  uimm(): V
  /** address of this instruction */
  pc(): V
  /** address of the next instruction in memory */
  nextPc(): V
  /** FP source registers; `s` values are unboxed (a value that is no NaN-box reads as the canonical NaN) */
  frs1(format: Format): V
  frs2(format: Format): V
  frs3(format: Format): V
  /** FP source register 2 (1) as it is, no unboxing: for stores and moves to integer registers */
  frs1Raw(): V
  frs2Raw(): V
  /** writes the integer destination; a write to x0 is dropped */
  setRd(value: V): void
  /** writes the FP destination, NaN-boxing an `s` value, and makes mstatus.FS dirty */
  setFrd(format: Format, value: V): void

  // Integer arithmetic on 64-bit values.
  constant(value: bigint): V
  /** evaluates once, now; the result may be used any number of times */
  let(value: V): V
  add(a: V, b: V): V
  sub(a: V, b: V): V
  and(a: V, b: V): V
  or(a: V, b: V): V
  xor(a: V, b: V): V
  not(a: V): V
  shiftLeft(a: V, amount: V): V
  shiftRight(a: V, amount: V): V
  shiftRightArithmetic(a: V, amount: V): V
  rotateLeft(a: V, amount: V): V
  rotateRight(a: V, amount: V): V
  mul(a: V, b: V): V
  /** upper 64 bits of the 128-bit product; signedness of a, then of b */
  mulHigh(a: V, b: V, signs: 'ss' | 'su' | 'uu'): V
  /** RISC-V division: by zero gives all ones, overflow gives the dividend; nothing traps */
  divide(a: V, b: V, sign: 's' | 'u'): V
  /** RISC-V remainder: by zero gives the dividend, overflow gives zero */
  remainder(a: V, b: V, sign: 's' | 'u'): V
  signExtend(a: V, from: 8 | 16 | 32): V
  zeroExtend(a: V, from: 8 | 16 | 32): V
  equal(a: V, b: V): V
  notEqual(a: V, b: V): V
  lessSigned(a: V, b: V): V
  lessUnsigned(a: V, b: V): V
  /** count of leading zeros, trailing zeros, ones; of zero: 64, 64, 0 */
  countLeadingZeros(a: V): V
  countTrailingZeros(a: V): V
  popCount(a: V): V
  /** `condition` is 0 or 1; both values are evaluated */
  select(condition: V, ifTrue: V, ifFalse: V): V

  // Control.
  /** continues at `target` (bit 0 must be clear) */
  jump(target: V): void
  /** continues at pc + imm */
  jumpRelative(): void
  /** continues at pc + imm when `condition` is 1 */
  branch(condition: V): void

  // Memory. An access that faults ends the instruction with its exception; nothing after it happens.
  load(width: Width, sign: 's' | 'u', address: V): V
  store(width: Width, address: V, value: V): void
  /** returns the old value, sign-extended; the address must be naturally aligned or the instruction traps */
  amo(operation: AmoOperation, width: 32 | 64, address: V, value: V): V
  loadReserved(width: 32 | 64, address: V): V
  /** 0 when stored, 1 when the reservation was lost */
  storeConditional(width: 32 | 64, address: V, value: V): V
  /** orders memory accesses as the instruction's pred and succ fields say */
  fence(): void
  fenceI(): void
  cbo(operation: CboOperation): void

  // Floating point. All of these are illegal while mstatus.FS is Off; `enableFp` comes first in each entry.
  enableFp(): void
  /** uses the instruction's rounding mode; a reserved mode is illegal */
  fpBinary(operation: 'add' | 'sub' | 'mul' | 'div', format: Format, a: V, b: V): V
  fpSqrt(format: Format, a: V): V
  /** a × b + c with one rounding */
  fpFma(format: Format, a: V, b: V, c: V): V
  fpCompare(operation: 'eq' | 'lt' | 'le', format: Format, a: V, b: V): V
  fpMinMax(operation: 'min' | 'max', format: Format, a: V, b: V): V
  /** a with the sign that the operation makes of both; NaNs keep their bits */
  fpSign(operation: SignOperation, format: Format, a: V, b: V): V
  fpClassify(format: Format, a: V): V
  fpToInteger(format: Format, kind: IntegerKind, a: V): V
  fpFromInteger(format: Format, kind: IntegerKind, a: V): V
  fpConvert(to: Format, a: V): V

  // System.
  /** reads unless (write and rd = x0); writes unless (set/clear and the rs1 field is 0); gives the old value to rd */
  csr(operation: CsrOperation, operand: V): void
  ecall(): void
  ebreak(): void
  mret(): void
  sret(): void
  wfi(): void
  /** sfence.vma and sinval.vma */
  fenceVma(): void
  /** sfence.w.inval and sfence.inval.ir: only the privilege check, since fenceVma is complete at once */
  fenceInval(): void
}

/** An instruction's meaning: the same text for every reader. */
export type Means = <V>(m: Meaning<V>) => void
