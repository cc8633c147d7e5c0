/**
 * Names for the guest's code, for profiles: those of an ELF's symbol table, or those that a Linux `Image` has in
 * itself. Plain data, to be sent to whoever names things.
 *
 * A Linux kernel runs where KASLR has put it. Where that is, its trap vector tells: `stvec` is the address of
 * `handle_exception`. The distance from its linked address, a multiple of 2 MiB, is that of all symbols.
 */

import { assert } from '@virga/base'
import type { BareBoot } from './bare.ts'
import type { DirectBoot } from './direct.ts'
import { isElf, parseElf } from './elf.ts'
import { readKernelImage } from './image.ts'
import { readKallsyms } from './kallsyms.ts'

/** Code symbols by address; `names[i]` belongs to `addresses[i]`. */
export interface GuestSymbols {
  /** as linked, ascending, each once */
  readonly addresses: BigUint64Array
  readonly names: readonly string[]
  /** first address behind what the symbols are of */
  readonly end: bigint
  /** where Linux's traps begin, as linked; undefined for all else */
  readonly trapEntry: bigint | undefined
}

/** What is at an address. */
export interface SymbolAt {
  readonly name: string
  /** bytes from the symbol */
  readonly offset: number
}

/** The entry of Linux's traps. */
const trapEntryName = 'handle_exception'
const slideAlignment = 2n ** 21n
const textKinds: ReadonlySet<string> = new Set(['t', 'T', 'w', 'W'])

/** The symbols of what is booted; none for a flat program. Its file has come whole. */
export function readGuestSymbols(boot: DirectBoot | BareBoot): GuestSymbols {
  const bytes = boot.kind === 'bare' ? boot.program : boot.kernel
  assert(bytes instanceof Uint8Array, 'symbols are read from a whole file')
  if (isElf(bytes)) {
    const program = parseElf(bytes, 'the program')
    return program.ok ? gather(program.value.codeSymbols(), program.value.end) : gather([], 0n)
  }
  const image = readKernelImage(bytes, 'the kernel')
  if (!image.ok || image.value.kind !== 'linux') return gather([], 0n)
  const symbols = readKallsyms(bytes)
  return gather(
    symbols.filter(({ kind }) => textKinds.has(kind)),
    symbols.at(-1)?.address ?? 0n,
  )
}

/** Of several names for one address the first is taken, as the kernel does. */
function gather(
  symbols: readonly { readonly address: bigint; readonly name: string }[],
  end: bigint,
): GuestSymbols {
  const sorted = symbols.toSorted((a, b) => Number(a.address > b.address) - Number(a.address < b.address))
  const kept = sorted.filter(({ address }, index) => address !== sorted[index - 1]?.address)
  return {
    addresses: BigUint64Array.from(kept, ({ address }) => address),
    names: kept.map(({ name }) => printable(name)),
    end,
    trapEntry: kept.find(({ name }) => name === trapEntryName)?.address,
  }
}

/** A map of names has one in a line. */
function printable(name: string): string {
  return name.replaceAll(/[^\x21-\x7e]/g, '?')
}

/** What is at a virtual address, when the hart's `stvec` is `trapVector`; undefined where no symbol is known. */
export function symbolAt(symbols: GuestSymbols, address: bigint, trapVector: bigint): SymbolAt | undefined {
  const { addresses, names, end } = symbols
  const linked = BigInt.asUintN(64, address - slideOf(symbols, trapVector))
  let [low, high] = [0, addresses.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((addresses[middle] ?? 0n) <= linked) low = middle + 1
    else high = middle
  }
  const [name, start] = [names[low - 1], addresses[low - 1]]
  if (name === undefined || start === undefined || linked >= end) return undefined
  return { name, offset: Number(linked - start) }
}

/** How far the kernel is from where it was linked; nothing for what is no Linux, or before its vector is set. */
function slideOf({ trapEntry }: GuestSymbols, trapVector: bigint): bigint {
  if (trapEntry === undefined) return 0n
  const slide = BigInt.asUintN(64, trapVector - trapEntry)
  return slide % slideAlignment === 0n ? slide : 0n
}
