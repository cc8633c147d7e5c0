/** CSR access, cache-block operations and privileged instructions. */

import type { Instruction } from './encoding.ts'
import { bareType, cboType, csrImmediateType, csrType, extension, fenceVmaType, opcode } from './formats.ts'

const { SYSTEM, MISC_MEM } = opcode

const zicsr = extension('Zicsr', 'riscv-unpriv "CSR Instructions"', {
  csrrw: csrType({ opcode: SYSTEM, funct3: 1 }, 'rd = csr; csr = rs1', (m) => m.csr('write', m.rs1())),
  csrrs: csrType({ opcode: SYSTEM, funct3: 2 }, 'rd = csr; csr |= rs1', (m) => m.csr('set', m.rs1())),
  csrrc: csrType({ opcode: SYSTEM, funct3: 3 }, 'rd = csr; csr &= ~rs1', (m) => m.csr('clear', m.rs1())),
  csrrwi: csrImmediateType({ opcode: SYSTEM, funct3: 5 }, 'rd = csr; csr = uimm', (m) =>
    m.csr('write', m.uimm()),
  ),
  csrrsi: csrImmediateType({ opcode: SYSTEM, funct3: 6 }, 'rd = csr; csr |= uimm', (m) =>
    m.csr('set', m.uimm()),
  ),
  csrrci: csrImmediateType({ opcode: SYSTEM, funct3: 7 }, 'rd = csr; csr &= ~uimm', (m) =>
    m.csr('clear', m.uimm()),
  ),
})

const block = { opcode: MISC_MEM, funct3: 2, rd: 0 } as const

const zicbo = [
  ...extension('Zicbom', 'riscv-unpriv "Cache-Block Management Instructions"', {
    'cbo.inval': cboType({ ...block, funct12: 0 }, 'drops the cache block at rs1', (m) => m.cbo('inval')),
    'cbo.clean': cboType({ ...block, funct12: 1 }, 'writes the cache block at rs1 back', (m) =>
      m.cbo('clean'),
    ),
    'cbo.flush': cboType({ ...block, funct12: 2 }, 'writes the cache block at rs1 back and drops it', (m) =>
      m.cbo('flush'),
    ),
  }),
  ...extension('Zicboz', 'riscv-unpriv "Cache-Block Zero Instructions"', {
    'cbo.zero': cboType({ ...block, funct12: 4 }, 'the 64 bytes of the cache block at rs1 = 0', (m) =>
      m.cbo('zero'),
    ),
  }),
]

const system = { opcode: SYSTEM, funct3: 0, rd: 0 } as const

const privileged = [
  ...extension('S', 'riscv-priv "Trap-Return Instructions"', {
    sret: bareType({ ...system, rs1: 0, funct12: 0x102 }, 'returns from a trap handled in S-mode', (m) =>
      m.sret(),
    ),
    mret: bareType({ ...system, rs1: 0, funct12: 0x302 }, 'returns from a trap handled in M-mode', (m) =>
      m.mret(),
    ),
  }),
  ...extension('S', 'riscv-priv "Wait for Interrupt"', {
    wfi: bareType({ ...system, rs1: 0, funct12: 0x105 }, 'stalls until an interrupt may need service', (m) =>
      m.wfi(),
    ),
  }),
  ...extension('S', 'riscv-priv "Supervisor Memory-Management Fence Instruction"', {
    'sfence.vma': fenceVmaType(
      { ...system, funct7: 0x09 },
      'later walks see earlier page-table stores, for address rs1 and ASID rs2',
      (m) => m.fenceVma(),
    ),
  }),
  ...extension(
    'Svinval',
    'riscv-priv "Svinval Extension for Fine-Grained Address-Translation Cache Invalidation"',
    {
      'sinval.vma': fenceVmaType({ ...system, funct7: 0x0b }, 'sfence.vma without its ordering', (m) =>
        m.fenceVma(),
      ),
      'sfence.w.inval': bareType(
        { ...system, rs1: 0, funct12: 0x180 },
        'orders stores before later sinval.vma',
        (m) => m.fenceInval(),
      ),
      'sfence.inval.ir': bareType(
        { ...system, rs1: 0, funct12: 0x181 },
        'orders earlier sinval.vma before later walks',
        (m) => m.fenceInval(),
      ),
    },
  ),
]

/** Zicsr, Zicbom, Zicboz, the privileged instructions of M and S, and Svinval. */
export const zi: readonly Instruction[] = [...zicsr, ...zicbo, ...privileged]
