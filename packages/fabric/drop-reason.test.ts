/** The list of reasons: closed, told apart, each with its stage and a sentence. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeDrop, dropCode, dropReasons, reasonOf, stages } from './drop-reason.ts'

it('codes and names are the same thing', () => {
  expect(dropReasons.map((reason) => reasonOf(dropCode[reason]))).toEqual(dropReasons)
  expect(() => reasonOf(0)).toThrow('drop code 0')
  for (const reason of dropReasons) expect(stages).toContain(describeDrop(reason).stage)
})

it('every reason is used somewhere', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'drop-reason.ts',
  )
  const text = files.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8')).join('\n')
  const isUsed = (reason: string) =>
    text.includes(`dropCode['${reason}']`) || text.includes(`dropCode.${reason}`)
  // These two are chosen by direction, in one expression.
  const chosen = ['egress-denied', 'ingress-denied']
  expect(dropReasons.filter((reason) => !isUsed(reason) && !chosen.includes(reason))).toEqual([])
})
