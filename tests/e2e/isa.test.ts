/** The instruction table, asked from the command line. */
import { describe, expect, it } from 'vitest'
import { virga } from './virga.ts'

describe('virga isa', () => {
  it('lists every instruction by extension, in 80 columns', async () => {
    const { stdout } = await virga(['isa'])
    expect(stdout).toMatch(/^Zba +add\.uw sh1add/m)
    expect(widest(stdout)).toBeLessThanOrEqual(80)
    const extensions: { extension: string; mnemonics: string[] }[] = JSON.parse(
      (await virga(['isa', '-o', 'json'])).stdout,
    )
    expect(extensions.map(({ extension }) => extension)).toEqual(
      expect.arrayContaining([
        'I',
        'M',
        'A',
        'F',
        'D',
        'C',
        'Zicsr',
        'Zifencei',
        'Zba',
        'Zbb',
        'Zbs',
        'Zicond',
      ]),
    )
  })

  it('draws the encoding of one and says what it does', async () => {
    const { stdout } = await virga(['isa', 'ADDI'])
    expect(stdout).toContain(
      [
        '  31 20 19 15 14 12 11 7 6     0',
        ' ┌─────┬─────┬─────┬────┬───────┐',
        ' │ imm │ rs1 │ 000 │ rd │0010011│',
        ' └─────┴─────┴─────┴────┴───────┘',
        '',
        'syntax      addi rd,rs1,imm',
        'meaning     rd = rs1 + imm',
      ].join('\n'),
    )
    const { fields } = JSON.parse((await virga(['isa', 'addi', '-o', 'json'])).stdout)
    expect(fields.at(-1)).toEqual({ hi: 6, lo: 0, text: '0010011', fixed: true })
  })

  it('names the class of a privileged one', async () => {
    expect((await virga(['isa', 'sfence.vma'])).stdout).toMatch(/^class +privileged, control sensitive/m)
  })

  it('checks the theorem, with and without the hypervisor extension, beside the literature', async () => {
    const { stdout } = await virga(['isa', '--popek-goldberg'])
    expect(stdout).toMatch(/^S ⊆ P holds without H/m)
    expect(stdout).toMatch(/^S ⊆ P is refuted with H/m)
    expect(stdout).toMatch(/^ {2}- sgdt, sidt, sldt: /m)
    expect(stdout).toMatch(/^ARMv4/m)
    expect(widest(stdout)).toBeLessThanOrEqual(80)
  })
})

function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length))
}
