/**
 * The extensions that a hart has, as its device tree names them.
 * Invariants: sorted as the naming chapter has it: Z by the category of the second letter, then S.
 * svadu without svade means that the hart updates A and D bits itself from the start.
 * @spec riscv-unpriv "ISA Extension Naming Conventions"
 */

/** Single letters, the base included. */
export const baseExtensions = ['i', 'm', 'a', 'f', 'd', 'c'] as const

/** Multi-letter extensions. */
export const isaExtensions = [
  'zicbom',
  'zicboz',
  'zicntr',
  'zicond',
  'zicsr',
  'zifencei',
  'zihpm',
  'zba',
  'zbb',
  'zbs',
  'sstc',
  'svadu',
  'svinval',
  'svnapot',
  'svpbmt',
] as const

/** All of it in the older, single-text form. */
export const isaString = `rv64${baseExtensions.join('')}_${isaExtensions.join('_')}`
