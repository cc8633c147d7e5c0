/** The drawing of an encoding, and what is said beside it. */
import { describe, expect, it } from 'vitest'
import { describeInstruction } from './describe.ts'
import { compressedInstructions, instructions } from './table.ts'

const drawn = (mnemonic: string) =>
  describeInstruction(mnemonic)
    ?.fields.map(({ text }) => text)
    .join(' ')

describe('describeInstruction', () => {
  it.each([
    ['addi', 'imm rs1 000 rd 0010011'],
    ['sd', 'imm[11:5] rs2 rs1 011 imm[4:0] 0100011'],
    ['beq', 'offset[12] offset[10:5] rs2 rs1 000 offset[4:1] offset[11] 1100011'],
    ['jal', 'offset[20] offset[10:1] offset[11] offset[19:12] rd 1101111'],
    ['lui', 'imm[31:12] rd 0110111'],
    ['slli', '000000 shamt rs1 001 rd 0010011'],
    ['csrrwi', 'csr uimm 101 rd 1110011'],
    ['fmadd.d', 'rs3 01 rs2 rs1 rm rd 1000011'],
    ['amoadd.w', '00000 aq rl rs2 rs1 010 rd 0101111'],
    ['fence', 'fm pred succ any 000 any 0001111'],
    ['c.addi', '000 imm[5] rd/rs1 imm[4:0] 01'],
    ['c.lw', '010 imm[5:3] rs1′ imm[2] imm[6] rd′ 00'],
    ['c.lui', '011 imm[17] rd imm[16:12] 01'],
  ])('draws %s', (mnemonic, text) => {
    expect(drawn(mnemonic)).toBe(text)
  })

  it('covers every bit of every instruction once', () => {
    for (const { mnemonic } of [
      ...instructions.slice(0, 5),
      ...instructions.slice(-5),
      ...compressedInstructions.slice(0, 9),
    ]) {
      const description = describeInstruction(mnemonic)
      const bits = description?.fields.flatMap(({ hi, lo }) =>
        Array.from({ length: hi - lo + 1 }, (_, i) => hi - i),
      )
      expect(bits).toEqual(
        Array.from(
          { length: (description?.bytes ?? 0) * 8 },
          (_, i) => (description?.bytes ?? 0) * 8 - 1 - i,
        ),
      )
    }
  })

  it('says how it is written, what a compressed one stands for, and its classes', () => {
    expect(describeInstruction('jalr')?.assembly).toBe('jalr rd,imm(rs1)')
    expect(describeInstruction('c.beqz')).toMatchObject({
      assembly: 'c.beqz rs1,offset',
      expandsTo: 'beq',
      bytes: 2,
      extension: 'C',
    })
    expect(describeInstruction('ecall')?.assembly).toBe('ecall')
    expect(describeInstruction('mret')?.classes[0]).toMatchObject({
      privileged: true,
      controlSensitive: true,
    })
    expect(describeInstruction('add')?.classes[0]).toMatchObject({
      privileged: false,
      controlSensitive: false,
      behaviourSensitive: false,
    })
    expect(describeInstruction('csrrw')?.classes.map(({ subject }) => subject)).toContain('csrrw supervisor')
    expect(describeInstruction('no.such')).toBeUndefined()
  })
})
