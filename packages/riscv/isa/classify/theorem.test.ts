/** The classes of instructions whose class is known, and the theorem's answers. */
import { beforeAll, describe, expect, it } from 'vitest'
import { popekGoldberg, type Report, type Row } from './index.ts'

let report: Report
beforeAll(() => {
  report = popekGoldberg()
}, 120_000)

function row(subject: string): Row {
  const found = report.rows.find((each) => each.subject === subject)
  if (found === undefined) throw new Error(`no row ${subject}`)
  return found
}

describe('classes', () => {
  it.each([
    'add',
    'auipc',
    'jalr',
    'beq',
    'ld',
    'sd',
    'amoadd.d',
    'lr.w',
    'sc.d',
    'fadd.d',
    'fld',
    'fence',
    'fence.i',
    'csrrw floating point',
  ])('%s is innocuous', (subject) => {
    expect(row(subject)).toMatchObject({
      privileged: false,
      controlSensitive: false,
      behaviourSensitive: false,
    })
    expect(Object.values(row(subject).traps).filter((habit) => habit !== 'never')).toEqual([])
  })

  it.each([
    'mret',
    'sret',
    'wfi',
    'sfence.vma',
    'sinval.vma',
    'csrrw supervisor',
    'csrrs machine',
    'csrrs user counters',
  ])('%s is privileged and sensitive', (subject) => {
    const { privileged, controlSensitive, behaviourSensitive, traps } = row(subject)
    expect(privileged).toBe(true)
    expect(controlSensitive || behaviourSensitive).toBe(true)
    expect(traps.U).toBe('always')
  })

  it.each(['ecall', 'ebreak'])('%s traps everywhere, so it is neither', (subject) => {
    expect(new Set(Object.values(row(subject).traps))).toEqual(new Set(['always']))
    expect(row(subject)).toMatchObject({ privileged: false, controlSensitive: false })
  })

  it('says what they rest on', () => {
    expect(row('mret').changes).toEqual(['mstatus', 'privilege'])
    expect(row('wfi').changes).toEqual(['processor time'])
    expect(row('csrrs user counters').dependsOn).toEqual(['time'])
    expect(row('csrrs supervisor').dependsOn).toEqual(['registers', 'relocated', 'status'])
  })

  it('knows where a guest with H is stopped', () => {
    expect(row('sret').traps).toMatchObject({ VU: 'always', VS: 'never' })
    expect(row('mret').traps).toMatchObject({ VU: 'always', VS: 'always' })
    expect(row('csrrw hypervisor').traps).toMatchObject({ U: 'always', VU: 'always', VS: 'always' })
    expect(row('hlv.d').traps).toMatchObject({ S: 'never', VS: 'always' })
  })
})

describe('the theorem', () => {
  it('holds without H when the monitor closes the counters', () => {
    expect(report.verdicts[0]).toMatchObject({ holds: true, counterExamples: [], harmless: 0 })
    expect(report.verdicts[0]?.sensitive).toBe(report.verdicts[0]?.trapping)
  })

  it('fails without H where counters are let through', () => {
    const subjects = report.verdicts[1]?.counterExamples.map(({ subject }) => subject)
    expect(subjects).toEqual([
      'csrrs user counters',
      'csrrc user counters',
      'csrrsi user counters',
      'csrrci user counters',
    ])
  })

  it('holds with H but for the two registers without a guest’s copy', () => {
    expect(report.verdicts[2]).toMatchObject({ holds: false, holdsIfSwapped: true })
    for (const { subject, why } of report.verdicts[2]?.counterExamples ?? []) {
      expect(subject).toMatch(/ supervisor$/)
      expect(why).toBe('changes scounteren, senvcfg')
    }
  })

  it('fails with H where the monitor lets everything through', () => {
    expect(report.verdicts[3]).toMatchObject({ holds: false, holdsIfSwapped: false })
    expect(report.verdicts[3]?.counterExamples.map(({ subject }) => subject)).toContain('wfi')
  })

  it('accounts for every sensitive instruction', () => {
    for (const { sensitive, trapping, harmless, counterExamples } of report.verdicts) {
      expect(trapping + harmless + counterExamples.length).toBe(sensitive)
      expect(sensitive).toBeGreaterThan(20)
    }
  })

  it('names a source for everything taken from the literature', () => {
    for (const { sources } of report.literature) expect(sources.length).toBeGreaterThan(0)
  })
})
