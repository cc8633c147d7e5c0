/** TIME: the supervisor timer of the calling hart. @spec riscv-sbi "Timer Extension" */

import { interrupt } from '../hart-block.ts'
import { notSupported, type SbiCall, type SbiExtension, success } from './call.ts'
import { countEvent, firmwareEvent } from './firmware-events.ts'

/** Sets the tick at which the timer interrupt becomes pending; a tick in the future takes a pending one back. */
export function setTimer({ hart }: SbiCall, tick: bigint): void {
  hart.write64('stimecmp', tick)
  hart.lower(interrupt.stip)
  countEvent(hart, firmwareEvent.setTimer)
}

/** TIME. */
export const timeExtension: SbiExtension = {
  id: 0x54494d45,
  name: 'TIME',
  call(call) {
    if (call.functionId !== 0) return notSupported
    setTimer(call, call.argument(0))
    return success()
  },
}
