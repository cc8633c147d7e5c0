/** BASE: what this SBI is, and which extensions it has. @spec riscv-sbi "Base Extension" */

import { notSupported, type SbiExtension, success } from './call.ts'

/** SBI 2.0. */
const specificationVersion = 2n << 24n
/** Not a registered implementation id: "VIRG". */
const implementationId = 0x5649_5247n
/** 0.1.0 as 8.8.8 bits. */
const implementationVersion = 0x00_01_00n

/** BASE, knowing every extension including itself through `has`. */
export function baseExtension(has: (id: number) => boolean): SbiExtension {
  return {
    id: 0x10,
    name: 'BASE',
    call(call) {
      switch (call.functionId) {
        case 0:
          return success(specificationVersion)
        case 1:
          return success(implementationId)
        case 2:
          return success(implementationVersion)
        case 3:
          return success(has(Number(BigInt.asIntN(32, call.argument(0)))) ? 1n : 0n)
        // mvendorid, marchid, mimpid: zero, as the CSRs of this hart read
        case 4:
        case 5:
        case 6:
          return success()
        default:
          return notSupported
      }
    },
  }
}
