/** Records that stand for no instruction. Apart from the table, since threads that run harts need no table. */

/** Operations that are no instruction. `undecoded` and `continueHere` are fixed: the runtime writes them. */
export const pseudo = {
  /** the record is empty: decode it, then run it */
  undecoded: 0,
  /** go on at the address of this record: the end of a page, or behind a page-crossing instruction */
  continueHere: 1,
  /** a 4-byte instruction whose second half is on the next page */
  crossing: 2,
  illegal: 3,
  nop2: 4,
  nop4: 5,
  /** compiled code starts here; see `regionRecord` */
  region: 6,
} as const

/** Offsets in the record of a `region`: the number of the entry (u16), and the function's place in the table. */
export const regionRecord = { entry: 2, index: 4 } as const
