/** DBCN: the console by SBI, the same bytes as the UART's. @spec riscv-sbi "Debug Console Extension" */

import {
  failure,
  notSupported,
  type SbiCall,
  type SbiExtension,
  type SbiOutcome,
  sbiError,
  success,
} from './call.ts'

/** Most bytes moved by one call; the specification allows a partial write, and callers loop. */
const chunkBytesMax = 4096

/** The bytes named by a0 to a2 as address and count, or null when they are not all RAM. */
function range(call: SbiCall): { gpa: number; byteCount: number } | null {
  const [count, low, high] = [call.argument(0), call.argument(1), call.argument(2)]
  const ramEnd = 1n << 53n
  if (high !== 0n || low >= ramEnd || count >= ramEnd) return null
  if (!call.machine.memory.contains(Number(low), Number(count))) return null
  return { gpa: Number(low), byteCount: Math.min(Number(count), chunkBytesMax) }
}

function write(call: SbiCall): SbiOutcome {
  const source = range(call)
  if (source === null) return failure(sbiError.invalidParam)
  const bytes = new Uint8Array(source.byteCount)
  call.machine.memory.read(source.gpa, bytes)
  return success(BigInt(call.machine.console.write(bytes)))
}

function read(call: SbiCall): SbiOutcome {
  const target = range(call)
  if (target === null) return failure(sbiError.invalidParam)
  const bytes: number[] = []
  while (bytes.length < target.byteCount) {
    const byte = call.machine.console.read()
    if (byte < 0) break
    bytes.push(byte)
  }
  const outcome = call.machine.memory.write(target.gpa, Uint8Array.from(bytes))
  return outcome === 'done' ? success(BigInt(bytes.length)) : failure(sbiError.failed)
}

/** DBCN. */
export const dbcnExtension: SbiExtension = {
  id: 0x4442434e,
  name: 'DBCN',
  call(call) {
    switch (call.functionId) {
      case 0:
        return write(call)
      case 1:
        return read(call)
      case 2: {
        const byte = Uint8Array.of(Number(call.argument(0) & 0xffn))
        return call.machine.print(byte) ? success() : failure(sbiError.failed)
      }
      default:
        return notSupported
    }
  },
}
