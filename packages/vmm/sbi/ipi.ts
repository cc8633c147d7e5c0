/** IPI: supervisor software interrupts to other harts. @spec riscv-sbi "IPI Extension" */

import { interrupt } from '../hart-block.ts'
import { failure, notSupported, type SbiExtension, sbiError, selectHarts, success } from './call.ts'
import { countEvent, firmwareEvent } from './firmware-events.ts'

/** IPI. */
export const ipiExtension: SbiExtension = {
  id: 0x735049,
  name: 'IPI',
  call(call) {
    if (call.functionId !== 0) return notSupported
    const targets = selectHarts(call.machine, call.argument(0), call.argument(1))
    if (targets === null) return failure(sbiError.invalidParam)
    for (const target of targets) {
      target.raise(interrupt.ssip)
      countEvent(call.hart, firmwareEvent.ipiSent)
      countEvent(target, firmwareEvent.ipiReceived)
    }
    return success()
  },
}
