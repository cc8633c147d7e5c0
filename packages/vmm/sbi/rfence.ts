/**
 * RFENCE: fences on other harts, complete when the call returns. @spec riscv-sbi "RFENCE Extension"
 * A fence of any range or address space drops all translations of the target: that is allowed, and the tagged TLB
 * is refilled quickly. A stopped hart drops everything when it starts.
 */

import { hartRequest, hartStatus } from '@virga/riscv/hart'
import {
  failure,
  notSupported,
  type SbiCall,
  type SbiExtension,
  type SbiOutcome,
  sbiError,
  selectHarts,
  success,
} from './call.ts'
import { countEvent, firmwareEvent } from './firmware-events.ts'

interface Fence {
  readonly request: number
  readonly ranged: boolean
  readonly sent: number
  readonly received: number
}

/** By function id; 3 to 6 are for harts with the hypervisor extension. */
const fences: readonly Fence[] = [
  {
    request: hartRequest.fenceI,
    ranged: false,
    sent: firmwareEvent.fenceISent,
    received: firmwareEvent.fenceIReceived,
  },
  {
    request: hartRequest.flushTlb,
    ranged: true,
    sent: firmwareEvent.sfenceVmaSent,
    received: firmwareEvent.sfenceVmaReceived,
  },
  {
    request: hartRequest.flushTlb,
    ranged: true,
    sent: firmwareEvent.sfenceVmaAsidSent,
    received: firmwareEvent.sfenceVmaAsidReceived,
  },
]

const wholeSpace = (1n << 64n) - 1n

function fence(call: SbiCall, { request, ranged, sent, received }: Fence): SbiOutcome {
  const selected = selectHarts(call.machine, call.argument(0), call.argument(1))
  if (selected === null) return failure(sbiError.invalidParam)
  const [start, size] = [call.argument(2), call.argument(3)]
  if (ranged && size !== wholeSpace && start + size > wholeSpace + 1n) return failure(sbiError.invalidAddress)
  const targets = selected.filter((hart) => hart.status !== hartStatus.stopped)
  for (const target of targets) {
    countEvent(call.hart, sent)
    countEvent(target, received)
  }
  call.machine.requestAndWait(targets, request)
  return success()
}

/** RFENCE. */
export const rfenceExtension: SbiExtension = {
  id: 0x52464e43,
  name: 'RFNC',
  call(call) {
    const kind = fences[call.functionId]
    return kind === undefined ? notSupported : fence(call, kind)
  },
}
