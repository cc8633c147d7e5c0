/**
 * How a hart begins, and how it comes back from a suspend that kept nothing.
 * Why: boot, HSM start, hart suspend and system suspend end in the same register state.
 * @spec riscv-sbi "Hart State Management Extension"
 */

import { hartRequest, hartStatus } from '@virga/riscv/hart'
import type { EngineRuntime } from './engine.ts'
import { type HartBlock, interrupt } from './hart-block.ts'
import type { BootMode } from './machine.ts'
import { hartRecord } from './machine-block.ts'

const a0 = 10
const a1 = 11
const statusSie = 1n << 1n
const statusFsInitial = 1n << 13n
/** Every exception that can come from S or U, but for the ECALL of S that is an SBI call. */
const delegatedExceptions = 0xb1ffn
const delegatedInterrupts = BigInt(interrupt.ssip | interrupt.stip | interrupt.seip)
/** STCE, PBMTE, ADUE, CBZE, CBCFE, CBIE = flush and invalidate. */
const supervisorEnvironment = (0b111n << 61n) | (1n << 7n) | (1n << 6n) | (0b11n << 4n)
const pmpAllowAll = { config: 0b1_1111n, address: (1n << 54n) - 1n }
const never = (1n << 64n) - 1n
const supervisor = 1

/**
 * Starts a hart at the entry and opaque value of its record; runs on the pCPU that owns it. In `direct` mode it
 * begins in S-mode with everything delegated, in `bare` mode in M-mode.
 */
export function startHart(hart: HartBlock, runtime: EngineRuntime, mode: BootMode): void {
  for (let i = 1; i < 32; i++) hart.setX(i, 0n)
  for (let i = 0; i < 32; i++) hart.write64('f', 0n, i)
  runtime.hart_init(hart.address)
  hart.write32('mip', 0)
  if (mode === 'direct') enterSupervisor(hart)
  jumpToEntry(hart)
  serveEverything(hart, runtime)
  hart.status = hartStatus.started
}

/** Resumes a suspended hart at the entry and opaque value of its record, with translation and interrupts off. */
export function resumeAtEntry(hart: HartBlock, runtime: EngineRuntime): void {
  hart.write32('prv', supervisor)
  hart.write64('satp', 0n)
  hart.write64('mstatus', hart.read64('mstatus') & ~statusSie)
  hart.write32('reservationValid', 0)
  jumpToEntry(hart)
  serveEverything(hart, runtime)
}

function jumpToEntry(hart: HartBlock): void {
  hart.pc = hart.record64(hartRecord.entry)
  hart.setX(a0, BigInt(hart.id))
  hart.setX(a1, hart.record64(hartRecord.opaque))
}

/** What was asked while the hart did not run is done before its first instruction. */
function serveEverything(hart: HartBlock, runtime: EngineRuntime): void {
  runtime.flush_all(hart.address)
  hart.clearRequests(hartRequest.start)
  hart.request(hartRequest.fenceI | hartRequest.flushTlb | hartRequest.flushSlat)
}

function enterSupervisor(hart: HartBlock): void {
  hart.write64('medeleg', delegatedExceptions)
  hart.write64('mideleg', delegatedInterrupts)
  hart.write64('menvcfg', supervisorEnvironment)
  hart.write64('mcounteren', 0xffff_ffffn)
  hart.write64('scounteren', 0b111n)
  hart.write64('stimecmp', never)
  hart.write64('mie', 0n)
  hart.write64('satp', 0n)
  hart.write64('mstatus', (hart.read64('mstatus') & ~statusSie) | statusFsInitial)
  hart.write64('pmpcfg', pmpAllowAll.config, 0)
  hart.write64('pmpaddr', pmpAllowAll.address, 0)
  hart.write32('pmpActive', 1)
  hart.write32('prv', supervisor)
}
