/** The evaluator as a reader of cases. */

import { Ram, step } from '../evaluate/index.ts'
import { initialHart, initialRam, RAM_BASE, type Reader } from './case.ts'

export const evaluatorReader: Reader = (input) => {
  const hart = initialHart(input)
  const ram = initialRam(input)
  step(hart, new Ram(RAM_BASE, ram))
  return { hart, ram }
}
