/** The calls of SBI 0.1 that old kernels still make; they answer in a0 only. @spec riscv-sbi "Legacy Extensions" */

import { type SbiExtension, success } from './call.ts'
import { setTimer } from './time.ts'

/** SET_TIMER, CONSOLE_PUTCHAR, CONSOLE_GETCHAR, SHUTDOWN. */
export const legacyExtensions: readonly SbiExtension[] = [
  {
    id: 0,
    name: 'LEGACY_SET_TIMER',
    legacy: true,
    call(call) {
      setTimer(call, call.argument(0))
      return success()
    },
  },
  {
    id: 1,
    name: 'LEGACY_PUTCHAR',
    legacy: true,
    call(call) {
      call.machine.print(Uint8Array.of(Number(call.argument(0) & 0xffn)))
      return success()
    },
  },
  {
    id: 2,
    name: 'LEGACY_GETCHAR',
    legacy: true,
    call(call) {
      return { error: call.machine.console.read(), value: 0n }
    },
  },
  {
    id: 8,
    name: 'LEGACY_SHUTDOWN',
    legacy: true,
    call(call) {
      call.machine.powerOff(0)
      return 'gone'
    },
  },
]
