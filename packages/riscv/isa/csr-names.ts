/** Names of CSRs, as the assembler writes them. */

import { baseRegisters } from './evaluate/csrs.ts'
import { hypervisorRegisters } from './evaluate/hypervisor-csrs.ts'

/** The CSR's name, or its number in hexadecimal when this machine has none of that number. */
export function csrName(number: number): string {
  const register = baseRegisters.get(number) ?? hypervisorRegisters.get(number)
  return register?.name ?? `0x${number.toString(16)}`
}
