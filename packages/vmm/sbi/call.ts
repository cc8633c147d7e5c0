/**
 * An SBI call: what an extension is given, and what it answers.
 * @spec riscv-sbi "Binary Encoding"
 */

import { hartStatus } from '@virga/riscv/hart'
import type { EngineRuntime } from '../engine.ts'
import type { HartBlock } from '../hart-block.ts'
import type { Machine } from '../machine.ts'

/** Standard error codes. @spec riscv-sbi "Binary Encoding" */
export const sbiError = {
  success: 0,
  failed: -1,
  notSupported: -2,
  invalidParam: -3,
  denied: -4,
  invalidAddress: -5,
  alreadyAvailable: -6,
  alreadyStarted: -7,
  alreadyStopped: -8,
  noSharedMemory: -9,
} as const

/** What goes to a0 and a1. */
export interface SbiReturn {
  readonly error: number
  readonly value: bigint
}

/**
 * - a return value: the hart goes on after the ECALL;
 * - `gone`: the call does not return (stopped, reset); registers are left alone;
 * - `suspended`: the hart waits for an interrupt; a0 and a1 are 0 if it comes back after the ECALL.
 */
export type SbiOutcome = SbiReturn | 'gone' | 'suspended'

/** One call. `arguments` of the guest are a0 to a5, unsigned 64 bits. */
export interface SbiCall {
  readonly machine: Machine
  readonly hart: HartBlock
  readonly runtime: EngineRuntime
  readonly functionId: number
  argument(index: number): bigint
}

/** One SBI extension. */
export interface SbiExtension {
  readonly id: number
  /** as the specification abbreviates it; also its name in statistics */
  readonly name: string
  /** true for the extensions of SBI 0.1, which answer in a0 only */
  readonly legacy?: boolean
  call(call: SbiCall): SbiOutcome
}

/** Success with a value, zero by default. */
export function success(value = 0n): SbiReturn {
  return { error: sbiError.success, value }
}

/** An error of `sbiError`. */
export function failure(error: number): SbiReturn {
  return { error, value: 0n }
}

/** Answer to a function that an extension does not have. */
export const notSupported = failure(sbiError.notSupported)

const allHarts = (1n << 64n) - 1n

/**
 * The harts that a mask and its base select; null when one of them is not a hart of the machine.
 * @spec riscv-sbi "Hart list parameter"
 */
export function selectHarts(machine: Machine, mask: bigint, base: bigint): readonly HartBlock[] | null {
  if (base === allHarts) return machine.harts
  const count = machine.harts.length
  if (base >= BigInt(count) || mask >> (BigInt(count) - base) !== 0n) return null
  const first = Number(base)
  return machine.harts.filter(({ id }) => id >= first && ((mask >> BigInt(id - first)) & 1n) === 1n)
}

/** True when a hart may begin executing at `address`: RAM, on an instruction boundary. */
export function executable(machine: Machine, address: bigint): boolean {
  return address < 1n << 53n && (address & 1n) === 0n && machine.memory.contains(Number(address), 2)
}

/** True when every hart but `hart` is stopped. */
export function othersStopped(machine: Machine, hart: HartBlock): boolean {
  return machine.harts.every((other) => other === hart || other.status === hartStatus.stopped)
}
