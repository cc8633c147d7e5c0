/**
 * PMU: the counters of a hart, found, started and stopped. @spec riscv-sbi "Performance Monitoring Unit Extension"
 *
 * ```
 *  0 cycle    2 instret    (hardware: mcountinhibit starts and stops them)    1 is time, which is not a counter
 *  3 … 18 firmware counters, each counts any one event of firmware-events.ts
 * ```
 * A firmware counter's word: event code + 1 in bits 0..15 (0: none), `counting` above.
 */

import type { HartBlock } from '../hart-block.ts'
import { hartRecord } from '../machine-block.ts'
import {
  failure,
  notSupported,
  type SbiCall,
  type SbiExtension,
  type SbiOutcome,
  sbiError,
  success,
} from './call.ts'
import { eventCount, isCounted } from './firmware-events.ts'

const csrNumber = {
  cycle: 0xc00n,
  instret: 0xc02n,
  mcycle: 0xb00,
  minstret: 0xb02,
  mcountinhibit: 0x320,
} as const
const csrOp = { write: 0, set: 1, clear: 2 } as const
const csrAccess = { read: 1, write: 2 } as const
const machineMode = 3
const counterBits = 64n
const firmwareType = 1n << 63n
const firstFirmware = 3
const counterCount = firstFirmware + 16
const counting = 1 << 16
const eventType = { hardware: 0, firmware: 15 } as const
const configFlag = { skipMatch: 1n, clearValue: 2n, autoStart: 4n } as const
const configFlagsEnd = 1n << 8n
const startFlag = { setValue: 1n, fromSnapshot: 2n } as const
const stopFlag = { reset: 1n, takeSnapshot: 2n } as const
const flagsEnd = 4n

/** One counter of the calling hart. */
interface Counter {
  readonly info: bigint
  counts(event: number): boolean
  /** Chooses the event; the value stays. Absent: the counter has one event only. */
  configure?(event: number): void
  forget?(): void
  readonly started: boolean
  start(): void
  stop(): void
  set(value: bigint): void
}

/** Writes or reads a machine-mode CSR of a hart that is in S-mode and out of guest code. */
function machineCsr(
  { hart, runtime }: SbiCall,
  number: number,
  op: number,
  operand: bigint,
  access: number,
): bigint {
  const mode = hart.read32('prv')
  hart.write32('prv', machineMode)
  const value = runtime.csr(hart.address, number, op, operand, access)
  hart.write32('prv', mode)
  return value
}

function hardwareCounter(call: SbiCall, index: 0 | 2): Counter {
  const bit = 1n << BigInt(index)
  const inhibit = (op: number) => machineCsr(call, csrNumber.mcountinhibit, op, bit, csrAccess.write)
  return {
    info: (index === 0 ? csrNumber.cycle : csrNumber.instret) | ((counterBits - 1n) << 12n),
    counts: (event) => event === (eventType.hardware << 16) + (index === 0 ? 1 : 2),
    get started() {
      return (machineCsr(call, csrNumber.mcountinhibit, csrOp.set, 0n, csrAccess.read) & bit) === 0n
    },
    start: () => inhibit(csrOp.clear),
    stop: () => inhibit(csrOp.set),
    set: (value) => {
      machineCsr(
        call,
        index === 0 ? csrNumber.mcycle : csrNumber.minstret,
        csrOp.write,
        value,
        csrAccess.write,
      )
    },
  }
}

function firmwareCounter(hart: HartBlock, slot: number): Counter & { readonly value: bigint } {
  const word = hartRecord.firmwareCounters + slot * 4
  const valueWord = hartRecord.firmwareValues + slot * 8
  const state = () => hart.record(word)
  /** Occurrences so far of the configured event. */
  const seen = () => ((state() & 0xffff) === 0 ? 0n : BigInt(eventCount(hart, (state() & 0xffff) - 1)))
  const isStarted = () => (state() & counting) !== 0
  return {
    info: firmwareType,
    counts: (event) => event >>> 16 === eventType.firmware && isCounted(event & 0xffff),
    configure: (event) => hart.setRecord(word, (event & 0xffff) + 1),
    forget: () => hart.setRecord(word, 0),
    get started() {
      return isStarted()
    },
    start: () => {
      hart.setRecord64(valueWord, hart.record64(valueWord) - seen())
      hart.setRecord(word, state() | counting)
    },
    stop: () => {
      hart.setRecord64(valueWord, hart.record64(valueWord) + seen())
      hart.setRecord(word, state() & ~counting)
    },
    set: (value) => hart.setRecord64(valueWord, isStarted() ? value - seen() : value),
    get value() {
      return hart.record64(valueWord) + (isStarted() ? seen() : 0n)
    },
  }
}

function counter(call: SbiCall, index: bigint): Counter | undefined {
  if (index === 0n || index === 2n) return hardwareCounter(call, index === 0n ? 0 : 2)
  return isFirmware(index) ? firmwareCounter(call.hart, Number(index) - firstFirmware) : undefined
}

function isFirmware(index: bigint): boolean {
  return index >= BigInt(firstFirmware) && index < BigInt(counterCount)
}

/** The counters that a0 (base) and a1 (mask) name, or null when one of them does not exist. */
function counterSet(call: SbiCall): { index: bigint; counter: Counter }[] | null {
  const [base, mask] = [call.argument(0), call.argument(1)]
  const set: { index: bigint; counter: Counter }[] = []
  for (let bit = 0n; mask >> bit !== 0n; bit++) {
    if (((mask >> bit) & 1n) === 0n) continue
    const index = base + bit
    const found = counter(call, index)
    if (found === undefined) return null
    set.push({ index, counter: found })
  }
  return set.length === 0 ? null : set
}

function configureMatching(call: SbiCall): SbiOutcome {
  const set = counterSet(call)
  const [flags, eventIndex, data] = [call.argument(2), call.argument(3), call.argument(4)]
  if (set === null || flags >= configFlagsEnd || eventIndex >= 1n << 20n)
    return failure(sbiError.invalidParam)
  const event = Number(eventIndex)
  const chosen =
    (flags & configFlag.skipMatch) !== 0n
      ? set[0]
      : set.find(
          ({ index, counter: candidate }) =>
            candidate.counts(event) && !(isFirmware(index) && candidate.started),
        )
  if (chosen === undefined || !chosen.counter.counts(event) || data !== 0n) return notSupported
  chosen.counter.configure?.(event)
  if ((flags & configFlag.clearValue) !== 0n) chosen.counter.set(0n)
  if ((flags & configFlag.autoStart) !== 0n && !chosen.counter.started) chosen.counter.start()
  return success(chosen.index)
}

function startCounters(call: SbiCall): SbiOutcome {
  const set = counterSet(call)
  const flags = call.argument(2)
  if (set === null || flags >= flagsEnd) return failure(sbiError.invalidParam)
  if ((flags & startFlag.fromSnapshot) !== 0n) return failure(sbiError.noSharedMemory)
  if (set.some((each) => each.counter.started)) return failure(sbiError.alreadyStarted)
  for (const each of set) {
    if ((flags & startFlag.setValue) !== 0n) each.counter.set(call.argument(3))
    each.counter.start()
  }
  return success()
}

function stopCounters(call: SbiCall): SbiOutcome {
  const set = counterSet(call)
  const flags = call.argument(2)
  if (set === null || flags >= flagsEnd) return failure(sbiError.invalidParam)
  if ((flags & stopFlag.takeSnapshot) !== 0n) return failure(sbiError.noSharedMemory)
  const idle = set.filter((each) => !each.counter.started)
  for (const each of set) {
    if (each.counter.started) each.counter.stop()
    if ((flags & stopFlag.reset) !== 0n) each.counter.forget?.()
  }
  return idle.length > 0 ? failure(sbiError.alreadyStopped) : success()
}

function readFirmware(call: SbiCall, high: boolean): SbiOutcome {
  const index = call.argument(0)
  if (!isFirmware(index)) return failure(sbiError.invalidParam)
  return success(high ? 0n : firmwareCounter(call.hart, Number(index) - firstFirmware).value)
}

/** PMU, without snapshots in shared memory (which are optional). */
export const pmuExtension: SbiExtension = {
  id: 0x504d55,
  name: 'PMU',
  call(call) {
    switch (call.functionId) {
      case 0:
        return success(BigInt(counterCount))
      case 1: {
        const found = counter(call, call.argument(0))
        return found === undefined ? failure(sbiError.invalidParam) : success(found.info)
      }
      case 2:
        return configureMatching(call)
      case 3:
        return startCounters(call)
      case 4:
        return stopCounters(call)
      case 5:
        return readFirmware(call, false)
      case 6:
        return readFirmware(call, true)
      default:
        return notSupported
    }
  },
}
