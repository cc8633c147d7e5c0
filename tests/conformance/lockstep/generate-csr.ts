/** Random CSR accesses: those a privilege may make, and some that it may not. */

import { reg } from './assembler.ts'
import type { BodyWriter } from './body-writer.ts'
import { target } from './body-writer.ts'
import { csr, status } from './memory-plan.ts'

const floatCsrs = [csr.fflags, csr.frm, csr.fcsr]
const supervisorCsrs = [
  csr.sscratch,
  csr.sepc,
  csr.scause,
  csr.stval,
  csr.stvec,
  csr.sstatus,
  csr.sie,
  csr.sip,
]
const machineCsrs = [csr.mepc, csr.mcause, csr.mtval, csr.mstatus, csr.mie, csr.mip]

/** Which bits of a written value are random. The rest is zero; see generate.ts for why. */
const writable: ReadonlyMap<number, bigint> = new Map([
  [csr.sepc, ~1n],
  [csr.mepc, ~1n],
  [csr.stvec, ~2n],
  // the software interrupt, which the program itself raises
  [csr.sie, 2n],
  [csr.sip, 2n],
  [csr.mie, 2n],
  [csr.mip, 2n],
  // SPP, SPIE and the fields that loads and stores depend on
  [csr.sstatus, status.sum | status.mxr | (1n << 8n) | (1n << 5n) | (1n << 1n)],
  [
    csr.mstatus,
    status.sum | status.mxr | status.mprv | (1n << 8n) | (1n << 5n) | (1n << 7n) | (1n << 11n) | (1n << 3n),
  ],
])

/** One CSR instruction, with a value prepared for it. */
export function csrAccess({ asm, random, privilege, translated, delegates }: BodyWriter): void {
  const number = random.pick([
    ...floatCsrs,
    ...(privilege >= 1 || random.oneIn(8) ? supervisorCsrs : floatCsrs),
    ...(privilege === 3 || random.oneIn(8) ? machineCsrs : floatCsrs),
  ])
  if (number === csr.stvec && delegates) return
  if (number <= csr.fcsr && random.oneIn(2)) {
    asm.op(random.pick(['csrrwi', 'csrrsi', 'csrrci']), {
      rd: target(random),
      rs1: random.below(32),
      imm: number,
    })
    return
  }
  let value = random.bits64() & BigInt.asUintN(64, writable.get(number) ?? -1n)
  if ((number === csr.sstatus || number === csr.mstatus) && !random.oneIn(6)) value |= status.fs
  // MPRV with MPP = U stays as it is: untranslated, the pointers of a translated body lead nowhere.
  if (number === csr.mstatus && translated) value = (value & ~status.mpp) | status.mprv
  asm.li(reg.t5, value)
  const operations = number === csr.mstatus ? ['csrrw'] : ['csrrw', 'csrrs', 'csrrc']
  const rs1 = number === csr.mstatus || !random.oneIn(5) ? reg.t5 : 0
  // The machine's timer may be pending there.
  const rd = number === csr.mip ? 0 : target(random)
  asm.op(random.pick(operations), { rd, rs1, imm: number })
}

const softwareBit = 2
const statusSie = 2
const statusMie = 8

/** The three writes that make a software interrupt due, in any order: it is taken right behind the last of them. */
export function softwareInterrupt({ asm, random, privilege }: BodyWriter): void {
  const machine = privilege === 3
  const writes: (readonly [number, number])[] = [
    [machine ? csr.mie : csr.sie, softwareBit],
    [machine ? csr.mip : csr.sip, softwareBit],
    [machine ? csr.mstatus : csr.sstatus, machine ? statusMie : statusSie],
  ]
  while (writes.length > 0) {
    const [[number, bits] = [0, 0]] = writes.splice(random.below(writes.length), 1)
    asm.op('csrrsi', { rd: 0, rs1: bits, imm: number })
  }
}
