/** The F and D extensions' arithmetic: everything that the interpreter and the JIT call. README.md says how. */
export {
  f32_class,
  f32_eq,
  f32_le,
  f32_lt,
  f32_max,
  f32_min,
  f64_class,
  f64_eq,
  f64_le,
  f64_lt,
  f64_max,
  f64_min,
} from './compare'
export { f64_add, f64_div, f64_fma, f64_mul, f64_sqrt, f64_sub } from './double'
export { float_flags } from './flags'
export {
  f32_to_i32,
  f32_to_i64,
  f32_to_u32,
  f32_to_u64,
  f64_to_i32,
  f64_to_i64,
  f64_to_u32,
  f64_to_u64,
  i32_to_f32,
  i32_to_f64,
  i64_to_f32,
  i64_to_f64,
  u32_to_f32,
  u32_to_f64,
  u64_to_f32,
  u64_to_f64,
} from './integer'
export { f32_add, f32_div, f32_fma, f32_mul, f32_sqrt, f32_sub, f32_to_f64, f64_to_f32 } from './single'
