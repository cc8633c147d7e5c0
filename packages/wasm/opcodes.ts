/**
 * Every instruction the builder can emit: mnemonic, binary code, kind of immediate.
 * Why: this table is the single source. `instructions.ts` turns each entry into a typed method, `print-code.ts`
 * reads it backwards, the tests run each entry; an instruction is added here and nowhere else.
 * @spec wasm-core "Instructions (Binary Format)"
 * @spec wasm-threads "Atomic Memory Instructions"
 */

/**
 * What follows an instruction's code:
 * none · zero: one zero byte · zeroZero: two · local, global, function: an index · memory: alignment and offset ·
 * atomic: the same, alignment fixed · lane: a byte · i32, i64, f32, f64, v128: a constant ·
 * typeTable: type index, table index · block: a block type · label: a depth · labels: depths and a default.
 */
export type ImmediateKind =
  | 'none'
  | 'zero'
  | 'zeroZero'
  | 'local'
  | 'global'
  | 'function'
  | 'memory'
  | 'atomic'
  | 'lane'
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'v128'
  | 'typeTable'
  | 'block'
  | 'label'
  | 'labels'

/** One instruction. */
export interface Opcode<K extends ImmediateKind = ImmediateKind> {
  readonly immediate: K
  /** The first byte when the code has two parts, else 0. */
  readonly prefix: number
  readonly code: number
  /** Binary logarithm of the access size in bytes; 0 where no memory is accessed. */
  readonly alignLog2: number
}

const PREFIX_MISC = 0xfc
const PREFIX_SIMD = 0xfd
const PREFIX_ATOMIC = 0xfe

function op(code: number): Opcode<'none'>
function op<K extends ImmediateKind>(code: number, immediate: K): Opcode<K>
function op(code: number, immediate: ImmediateKind = 'none'): Opcode {
  return { immediate, prefix: 0, code, alignLog2: 0 }
}

function misc(code: number): Opcode<'none'>
function misc<K extends ImmediateKind>(code: number, immediate: K): Opcode<K>
function misc(code: number, immediate: ImmediateKind = 'none'): Opcode {
  return { immediate, prefix: PREFIX_MISC, code, alignLog2: 0 }
}

function simd(code: number): Opcode<'none'>
function simd<K extends ImmediateKind>(code: number, immediate: K): Opcode<K>
function simd(code: number, immediate: ImmediateKind = 'none'): Opcode {
  return { immediate, prefix: PREFIX_SIMD, code, alignLog2: 0 }
}

function memory(code: number, alignLog2: number): Opcode<'memory'> {
  return { immediate: 'memory', prefix: 0, code, alignLog2 }
}

function simdMemory(code: number, alignLog2: number): Opcode<'memory'> {
  return { immediate: 'memory', prefix: PREFIX_SIMD, code, alignLog2 }
}

function atomic(code: number, alignLog2: number): Opcode<'atomic'> {
  return { immediate: 'atomic', prefix: PREFIX_ATOMIC, code, alignLog2 }
}

export const OPCODES = {
  // Control
  unreachable: op(0x00),
  nop: op(0x01),
  block: op(0x02, 'block'),
  loop: op(0x03, 'block'),
  if: op(0x04, 'block'),
  else: op(0x05),
  end: op(0x0b),
  br: op(0x0c, 'label'),
  br_if: op(0x0d, 'label'),
  br_table: op(0x0e, 'labels'),
  return: op(0x0f),
  call: op(0x10, 'function'),
  call_indirect: op(0x11, 'typeTable'),
  return_call: op(0x12, 'function'),
  return_call_indirect: op(0x13, 'typeTable'),

  // Parametric and variables
  drop: op(0x1a),
  select: op(0x1b),
  'local.get': op(0x20, 'local'),
  'local.set': op(0x21, 'local'),
  'local.tee': op(0x22, 'local'),
  'global.get': op(0x23, 'global'),
  'global.set': op(0x24, 'global'),

  // Memory
  'i32.load': memory(0x28, 2),
  'i64.load': memory(0x29, 3),
  'f32.load': memory(0x2a, 2),
  'f64.load': memory(0x2b, 3),
  'i32.load8_s': memory(0x2c, 0),
  'i32.load8_u': memory(0x2d, 0),
  'i32.load16_s': memory(0x2e, 1),
  'i32.load16_u': memory(0x2f, 1),
  'i64.load8_s': memory(0x30, 0),
  'i64.load8_u': memory(0x31, 0),
  'i64.load16_s': memory(0x32, 1),
  'i64.load16_u': memory(0x33, 1),
  'i64.load32_s': memory(0x34, 2),
  'i64.load32_u': memory(0x35, 2),
  'i32.store': memory(0x36, 2),
  'i64.store': memory(0x37, 3),
  'f32.store': memory(0x38, 2),
  'f64.store': memory(0x39, 3),
  'i32.store8': memory(0x3a, 0),
  'i32.store16': memory(0x3b, 1),
  'i64.store8': memory(0x3c, 0),
  'i64.store16': memory(0x3d, 1),
  'i64.store32': memory(0x3e, 2),
  'memory.size': op(0x3f, 'zero'),
  'memory.grow': op(0x40, 'zero'),
  'memory.copy': misc(0x0a, 'zeroZero'),
  'memory.fill': misc(0x0b, 'zero'),

  // Constants
  'i32.const': op(0x41, 'i32'),
  'i64.const': op(0x42, 'i64'),
  'f32.const': op(0x43, 'f32'),
  'f64.const': op(0x44, 'f64'),

  // Comparison
  'i32.eqz': op(0x45),
  'i32.eq': op(0x46),
  'i32.ne': op(0x47),
  'i32.lt_s': op(0x48),
  'i32.lt_u': op(0x49),
  'i32.gt_s': op(0x4a),
  'i32.gt_u': op(0x4b),
  'i32.le_s': op(0x4c),
  'i32.le_u': op(0x4d),
  'i32.ge_s': op(0x4e),
  'i32.ge_u': op(0x4f),
  'i64.eqz': op(0x50),
  'i64.eq': op(0x51),
  'i64.ne': op(0x52),
  'i64.lt_s': op(0x53),
  'i64.lt_u': op(0x54),
  'i64.gt_s': op(0x55),
  'i64.gt_u': op(0x56),
  'i64.le_s': op(0x57),
  'i64.le_u': op(0x58),
  'i64.ge_s': op(0x59),
  'i64.ge_u': op(0x5a),
  'f32.eq': op(0x5b),
  'f32.ne': op(0x5c),
  'f32.lt': op(0x5d),
  'f32.gt': op(0x5e),
  'f32.le': op(0x5f),
  'f32.ge': op(0x60),
  'f64.eq': op(0x61),
  'f64.ne': op(0x62),
  'f64.lt': op(0x63),
  'f64.gt': op(0x64),
  'f64.le': op(0x65),
  'f64.ge': op(0x66),

  // Integer arithmetic
  'i32.clz': op(0x67),
  'i32.ctz': op(0x68),
  'i32.popcnt': op(0x69),
  'i32.add': op(0x6a),
  'i32.sub': op(0x6b),
  'i32.mul': op(0x6c),
  'i32.div_s': op(0x6d),
  'i32.div_u': op(0x6e),
  'i32.rem_s': op(0x6f),
  'i32.rem_u': op(0x70),
  'i32.and': op(0x71),
  'i32.or': op(0x72),
  'i32.xor': op(0x73),
  'i32.shl': op(0x74),
  'i32.shr_s': op(0x75),
  'i32.shr_u': op(0x76),
  'i32.rotl': op(0x77),
  'i32.rotr': op(0x78),
  'i64.clz': op(0x79),
  'i64.ctz': op(0x7a),
  'i64.popcnt': op(0x7b),
  'i64.add': op(0x7c),
  'i64.sub': op(0x7d),
  'i64.mul': op(0x7e),
  'i64.div_s': op(0x7f),
  'i64.div_u': op(0x80),
  'i64.rem_s': op(0x81),
  'i64.rem_u': op(0x82),
  'i64.and': op(0x83),
  'i64.or': op(0x84),
  'i64.xor': op(0x85),
  'i64.shl': op(0x86),
  'i64.shr_s': op(0x87),
  'i64.shr_u': op(0x88),
  'i64.rotl': op(0x89),
  'i64.rotr': op(0x8a),

  // Floating-point arithmetic
  'f32.abs': op(0x8b),
  'f32.neg': op(0x8c),
  'f32.ceil': op(0x8d),
  'f32.floor': op(0x8e),
  'f32.trunc': op(0x8f),
  'f32.nearest': op(0x90),
  'f32.sqrt': op(0x91),
  'f32.add': op(0x92),
  'f32.sub': op(0x93),
  'f32.mul': op(0x94),
  'f32.div': op(0x95),
  'f32.min': op(0x96),
  'f32.max': op(0x97),
  'f32.copysign': op(0x98),
  'f64.abs': op(0x99),
  'f64.neg': op(0x9a),
  'f64.ceil': op(0x9b),
  'f64.floor': op(0x9c),
  'f64.trunc': op(0x9d),
  'f64.nearest': op(0x9e),
  'f64.sqrt': op(0x9f),
  'f64.add': op(0xa0),
  'f64.sub': op(0xa1),
  'f64.mul': op(0xa2),
  'f64.div': op(0xa3),
  'f64.min': op(0xa4),
  'f64.max': op(0xa5),
  'f64.copysign': op(0xa6),

  // Conversion
  'i32.wrap_i64': op(0xa7),
  'i32.trunc_f32_s': op(0xa8),
  'i32.trunc_f32_u': op(0xa9),
  'i32.trunc_f64_s': op(0xaa),
  'i32.trunc_f64_u': op(0xab),
  'i64.extend_i32_s': op(0xac),
  'i64.extend_i32_u': op(0xad),
  'i64.trunc_f32_s': op(0xae),
  'i64.trunc_f32_u': op(0xaf),
  'i64.trunc_f64_s': op(0xb0),
  'i64.trunc_f64_u': op(0xb1),
  'f32.convert_i32_s': op(0xb2),
  'f32.convert_i32_u': op(0xb3),
  'f32.convert_i64_s': op(0xb4),
  'f32.convert_i64_u': op(0xb5),
  'f32.demote_f64': op(0xb6),
  'f64.convert_i32_s': op(0xb7),
  'f64.convert_i32_u': op(0xb8),
  'f64.convert_i64_s': op(0xb9),
  'f64.convert_i64_u': op(0xba),
  'f64.promote_f32': op(0xbb),
  'i32.reinterpret_f32': op(0xbc),
  'i64.reinterpret_f64': op(0xbd),
  'f32.reinterpret_i32': op(0xbe),
  'f64.reinterpret_i64': op(0xbf),
  'i32.extend8_s': op(0xc0),
  'i32.extend16_s': op(0xc1),
  'i64.extend8_s': op(0xc2),
  'i64.extend16_s': op(0xc3),
  'i64.extend32_s': op(0xc4),
  'i32.trunc_sat_f32_s': misc(0x00),
  'i32.trunc_sat_f32_u': misc(0x01),
  'i32.trunc_sat_f64_s': misc(0x02),
  'i32.trunc_sat_f64_u': misc(0x03),
  'i64.trunc_sat_f32_s': misc(0x04),
  'i64.trunc_sat_f32_u': misc(0x05),
  'i64.trunc_sat_f64_s': misc(0x06),
  'i64.trunc_sat_f64_u': misc(0x07),

  // Vectors: memory, constants, lanes
  'v128.load': simdMemory(0x00, 4),
  'v128.load32_zero': simdMemory(0x5c, 2),
  'v128.load64_zero': simdMemory(0x5d, 3),
  'v128.store': simdMemory(0x0b, 4),
  'v128.const': simd(0x0c, 'v128'),
  'i8x16.splat': simd(0x0f),
  'i16x8.splat': simd(0x10),
  'i32x4.splat': simd(0x11),
  'i64x2.splat': simd(0x12),
  'f32x4.splat': simd(0x13),
  'f64x2.splat': simd(0x14),
  'i8x16.extract_lane_s': simd(0x15, 'lane'),
  'i8x16.extract_lane_u': simd(0x16, 'lane'),
  'i8x16.replace_lane': simd(0x17, 'lane'),
  'i16x8.extract_lane_s': simd(0x18, 'lane'),
  'i16x8.extract_lane_u': simd(0x19, 'lane'),
  'i16x8.replace_lane': simd(0x1a, 'lane'),
  'i32x4.extract_lane': simd(0x1b, 'lane'),
  'i32x4.replace_lane': simd(0x1c, 'lane'),
  'i64x2.extract_lane': simd(0x1d, 'lane'),
  'i64x2.replace_lane': simd(0x1e, 'lane'),
  'f32x4.extract_lane': simd(0x1f, 'lane'),
  'f32x4.replace_lane': simd(0x20, 'lane'),
  'f64x2.extract_lane': simd(0x21, 'lane'),
  'f64x2.replace_lane': simd(0x22, 'lane'),

  // Vectors: comparison, bits, fused multiply-add
  'i8x16.eq': simd(0x23),
  'i8x16.ne': simd(0x24),
  'i16x8.eq': simd(0x2d),
  'i16x8.ne': simd(0x2e),
  'i32x4.eq': simd(0x37),
  'i32x4.ne': simd(0x38),
  'i64x2.eq': simd(0xd6),
  'i64x2.ne': simd(0xd7),
  'v128.not': simd(0x4d),
  'v128.and': simd(0x4e),
  'v128.andnot': simd(0x4f),
  'v128.or': simd(0x50),
  'v128.xor': simd(0x51),
  'v128.bitselect': simd(0x52),
  'v128.any_true': simd(0x53),
  'i8x16.all_true': simd(0x63),
  'i8x16.bitmask': simd(0x64),
  'i16x8.all_true': simd(0x83),
  'i16x8.bitmask': simd(0x84),
  'i32x4.all_true': simd(0xa3),
  'i32x4.bitmask': simd(0xa4),
  'i64x2.all_true': simd(0xc3),
  'i64x2.bitmask': simd(0xc4),
  'f32x4.relaxed_madd': simd(0x105),
  'f32x4.relaxed_nmadd': simd(0x106),
  'f64x2.relaxed_madd': simd(0x107),
  'f64x2.relaxed_nmadd': simd(0x108),

  // Atomics
  'memory.atomic.notify': atomic(0x00, 2),
  'memory.atomic.wait32': atomic(0x01, 2),
  'memory.atomic.wait64': atomic(0x02, 3),
  'atomic.fence': { immediate: 'zero', prefix: PREFIX_ATOMIC, code: 0x03, alignLog2: 0 },
  'i32.atomic.load': atomic(0x10, 2),
  'i64.atomic.load': atomic(0x11, 3),
  'i32.atomic.load8_u': atomic(0x12, 0),
  'i32.atomic.load16_u': atomic(0x13, 1),
  'i64.atomic.load8_u': atomic(0x14, 0),
  'i64.atomic.load16_u': atomic(0x15, 1),
  'i64.atomic.load32_u': atomic(0x16, 2),
  'i32.atomic.store': atomic(0x17, 2),
  'i64.atomic.store': atomic(0x18, 3),
  'i32.atomic.store8': atomic(0x19, 0),
  'i32.atomic.store16': atomic(0x1a, 1),
  'i64.atomic.store8': atomic(0x1b, 0),
  'i64.atomic.store16': atomic(0x1c, 1),
  'i64.atomic.store32': atomic(0x1d, 2),
  'i32.atomic.rmw.add': atomic(0x1e, 2),
  'i64.atomic.rmw.add': atomic(0x1f, 3),
  'i32.atomic.rmw8.add_u': atomic(0x20, 0),
  'i32.atomic.rmw16.add_u': atomic(0x21, 1),
  'i64.atomic.rmw8.add_u': atomic(0x22, 0),
  'i64.atomic.rmw16.add_u': atomic(0x23, 1),
  'i64.atomic.rmw32.add_u': atomic(0x24, 2),
  'i32.atomic.rmw.sub': atomic(0x25, 2),
  'i64.atomic.rmw.sub': atomic(0x26, 3),
  'i32.atomic.rmw8.sub_u': atomic(0x27, 0),
  'i32.atomic.rmw16.sub_u': atomic(0x28, 1),
  'i64.atomic.rmw8.sub_u': atomic(0x29, 0),
  'i64.atomic.rmw16.sub_u': atomic(0x2a, 1),
  'i64.atomic.rmw32.sub_u': atomic(0x2b, 2),
  'i32.atomic.rmw.and': atomic(0x2c, 2),
  'i64.atomic.rmw.and': atomic(0x2d, 3),
  'i32.atomic.rmw8.and_u': atomic(0x2e, 0),
  'i32.atomic.rmw16.and_u': atomic(0x2f, 1),
  'i64.atomic.rmw8.and_u': atomic(0x30, 0),
  'i64.atomic.rmw16.and_u': atomic(0x31, 1),
  'i64.atomic.rmw32.and_u': atomic(0x32, 2),
  'i32.atomic.rmw.or': atomic(0x33, 2),
  'i64.atomic.rmw.or': atomic(0x34, 3),
  'i32.atomic.rmw8.or_u': atomic(0x35, 0),
  'i32.atomic.rmw16.or_u': atomic(0x36, 1),
  'i64.atomic.rmw8.or_u': atomic(0x37, 0),
  'i64.atomic.rmw16.or_u': atomic(0x38, 1),
  'i64.atomic.rmw32.or_u': atomic(0x39, 2),
  'i32.atomic.rmw.xor': atomic(0x3a, 2),
  'i64.atomic.rmw.xor': atomic(0x3b, 3),
  'i32.atomic.rmw8.xor_u': atomic(0x3c, 0),
  'i32.atomic.rmw16.xor_u': atomic(0x3d, 1),
  'i64.atomic.rmw8.xor_u': atomic(0x3e, 0),
  'i64.atomic.rmw16.xor_u': atomic(0x3f, 1),
  'i64.atomic.rmw32.xor_u': atomic(0x40, 2),
  'i32.atomic.rmw.xchg': atomic(0x41, 2),
  'i64.atomic.rmw.xchg': atomic(0x42, 3),
  'i32.atomic.rmw8.xchg_u': atomic(0x43, 0),
  'i32.atomic.rmw16.xchg_u': atomic(0x44, 1),
  'i64.atomic.rmw8.xchg_u': atomic(0x45, 0),
  'i64.atomic.rmw16.xchg_u': atomic(0x46, 1),
  'i64.atomic.rmw32.xchg_u': atomic(0x47, 2),
  'i32.atomic.rmw.cmpxchg': atomic(0x48, 2),
  'i64.atomic.rmw.cmpxchg': atomic(0x49, 3),
  'i32.atomic.rmw8.cmpxchg_u': atomic(0x4a, 0),
  'i32.atomic.rmw16.cmpxchg_u': atomic(0x4b, 1),
  'i64.atomic.rmw8.cmpxchg_u': atomic(0x4c, 0),
  'i64.atomic.rmw16.cmpxchg_u': atomic(0x4d, 1),
  'i64.atomic.rmw32.cmpxchg_u': atomic(0x4e, 2),
} as const satisfies Readonly<Record<string, Opcode>>

/** The name of an instruction in the text format. */
export type Mnemonic = keyof typeof OPCODES
