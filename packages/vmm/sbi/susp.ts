/** SUSP: the whole machine sleeps, its memory kept. @spec riscv-sbi "System Suspend Extension" */

import { executable, failure, notSupported, othersStopped, type SbiExtension, sbiError } from './call.ts'
import { suspend } from './hsm.ts'

const suspendToRam = 0n

/** SUSP. Wakes on any interrupt that the calling hart has enabled in sie. */
export const suspExtension: SbiExtension = {
  id: 0x53555350,
  name: 'SUSP',
  call(call) {
    if (call.functionId !== 0) return notSupported
    if (BigInt.asUintN(32, call.argument(0)) !== suspendToRam) return failure(sbiError.invalidParam)
    const entry = call.argument(1)
    if (!executable(call.machine, entry)) return failure(sbiError.invalidAddress)
    if (!othersStopped(call.machine, call.hart)) return failure(sbiError.denied)
    return suspend(call, entry, call.argument(2))
  },
}
