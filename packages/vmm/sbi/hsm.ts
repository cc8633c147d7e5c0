/**
 * HSM: harts start, stop and suspend. @spec riscv-sbi "Hart State Management Extension"
 *
 * ```
 *  stopped ─hart_start► startPending ─(its pCPU)► started ─hart_stop► stopped
 *                                                 started ─hart_suspend► suspended ─interrupt► started
 * ```
 * Invariants: only an exchange from `stopped` may claim a hart for starting; a hart leaves `started` by its own
 * call only, on the pCPU that owns it, so no pending state is left half done.
 */

import { hartRequest, hartStatus } from '@virga/riscv/hart'
import { hartRecord } from '../machine-block.ts'
import {
  executable,
  failure,
  notSupported,
  type SbiCall,
  type SbiExtension,
  type SbiOutcome,
  sbiError,
  success,
} from './call.ts'

const suspendType = { retentive: 0n, nonRetentive: 0x8000_0000n } as const

/** Puts the calling hart to sleep until an interrupt; `entry` is where it resumes, or null for after the call. */
export function suspend(call: SbiCall, entry: bigint | null, opaque: bigint): SbiOutcome {
  const { hart } = call
  if (entry !== null) {
    hart.setRecord64(hartRecord.entry, entry)
    hart.setRecord64(hartRecord.opaque, opaque)
  }
  hart.setRecord(hartRecord.resumeAtEntry, entry === null ? 0 : 1)
  hart.status = hartStatus.suspended
  return 'suspended'
}

function target(call: SbiCall) {
  const id = call.argument(0)
  return id < BigInt(call.machine.harts.length) ? call.machine.hart(Number(id)) : undefined
}

function start(call: SbiCall): SbiOutcome {
  const hart = target(call)
  if (hart === undefined) return failure(sbiError.invalidParam)
  if (hart.status !== hartStatus.stopped) return failure(sbiError.alreadyAvailable)
  const entry = call.argument(1)
  if (!executable(call.machine, entry)) return failure(sbiError.invalidAddress)
  if (hart.exchangeStatus(hartStatus.stopped, hartStatus.startPending) !== hartStatus.stopped) {
    return failure(sbiError.alreadyAvailable)
  }
  hart.setRecord64(hartRecord.entry, entry)
  hart.setRecord64(hartRecord.opaque, call.argument(2))
  hart.request(hartRequest.start)
  return success()
}

function status(call: SbiCall): SbiOutcome {
  const hart = target(call)
  return hart === undefined ? failure(sbiError.invalidParam) : success(BigInt(hart.status))
}

function hartSuspend(call: SbiCall): SbiOutcome {
  // The parameter has 32 bits: what is above is ignored.
  const type = BigInt.asUintN(32, call.argument(0))
  if (type === suspendType.retentive) return suspend(call, null, 0n)
  if (type !== suspendType.nonRetentive) return failure(sbiError.invalidParam)
  const entry = call.argument(1)
  if (!executable(call.machine, entry)) return failure(sbiError.invalidAddress)
  return suspend(call, entry, call.argument(2))
}

/** HSM. */
export const hsmExtension: SbiExtension = {
  id: 0x48534d,
  name: 'HSM',
  call(call) {
    switch (call.functionId) {
      case 0:
        return start(call)
      case 1:
        call.hart.status = hartStatus.stopped
        return 'gone'
      case 2:
        return status(call)
      case 3:
        return hartSuspend(call)
      default:
        return notSupported
    }
  },
}
