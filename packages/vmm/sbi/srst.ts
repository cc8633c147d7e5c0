/** SRST: power off and reset. @spec riscv-sbi "System Reset Extension" */

import { failure, notSupported, type SbiExtension, sbiError } from './call.ts'

const resetType = { shutdown: 0, coldReboot: 1, warmReboot: 2 } as const
const resetReason = { none: 0, systemFailure: 1 } as const

/** SRST. A shutdown because of a system failure ends the machine with exit status 1. */
export const srstExtension: SbiExtension = {
  id: 0x53525354,
  name: 'SRST',
  call(call) {
    if (call.functionId !== 0) return notSupported
    const type = Number(BigInt.asUintN(32, call.argument(0)))
    const reason = Number(BigInt.asUintN(32, call.argument(1)))
    if (reason !== resetReason.none && reason !== resetReason.systemFailure)
      return failure(sbiError.invalidParam)
    switch (type) {
      case resetType.shutdown:
        call.machine.powerOff(reason === resetReason.systemFailure ? 1 : 0)
        return 'gone'
      case resetType.coldReboot:
      case resetType.warmReboot:
        call.machine.reboot()
        return 'gone'
      default:
        return failure(sbiError.invalidParam)
    }
  },
}
