/**
 * The framing of a module: section ids and the small codes inside them. Why: builder and printer must agree on them.
 * @spec wasm-core "Modules (Binary Format)"
 */

/** `\0asm`, then version 1. */
export const MAGIC_AND_VERSION = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00)

/** Ids of the sections in use, in the order in which they stand in a module (custom ones may stand anywhere). */
export const SECTIONS = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  global: 6,
  export: 7,
  code: 10,
} as const

/** Starts a function type in the type section. */
export const FUNCTION_TYPE_CODE = 0x60

/** Kinds of imports and exports. */
export const EXTERNAL_KINDS = { func: 0, table: 1, memory: 2, global: 3 } as const

/** First byte of the limits of a table or memory; `unbounded` has no maximum. */
export const LIMITS = { unbounded: 0, bounded: 1, shared: 3 } as const

/** Ids inside the name section. @spec wasm-core "Name Section" */
export const NAME_SUBSECTIONS = { functions: 1 } as const

/** Name of the custom section of branch hints, which stands before the code. @spec wasm-branch-hinting "Binary Format" */
export const BRANCH_HINT_SECTION = 'metadata.code.branch_hint'
