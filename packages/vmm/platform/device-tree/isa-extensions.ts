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

/** What a hart with an IMSIC has besides, before those that begin with the letters after it. */
const interruptExtension = 'ssaia'

/** Multi-letter extensions of a hart with or without an IMSIC. */
export function extensionsOf(interrupts: 'plic' | 'aia'): string[] {
  if (interrupts === 'plic') return [...isaExtensions]
  const at = isaExtensions.indexOf('sstc')
  return [...isaExtensions.slice(0, at), interruptExtension, ...isaExtensions.slice(at)]
}

/** All of it in the older, single-text form. */
export function isaString(extensions: readonly string[]): string {
  return `rv64${baseExtensions.join('')}_${extensions.join('_')}`
}
