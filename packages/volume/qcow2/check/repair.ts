/**
 * Repairs what can be: counts become what the references say, and so do flags. It takes new space only at the end of
 * the file, because as long as counts are wrong, nobody knows what else is free.
 */

import { commit, isCommitDue } from '../commit.ts'
import { withCopied } from '../entries.ts'
import { damaged } from '../header.ts'
import type { Qcow2Image } from '../image.ts'
import { type CheckReport, type Corrections, check } from './check.ts'

/** Each round corrects all of a window, or as much as is remembered; this is enough for the largest of files. */
const roundsMax = 2 ** 20

/** Checks and repairs an image that is open for writing. The report is of what there was to repair. */
export function repair(image: Qcow2Image, progress?: (part: number) => void): CheckReport {
  image.counts.distrust()
  let rounds = 0
  const report = check(image, progress, (corrections) => {
    rounds += 1
    if (rounds > roundsMax) throw damaged(image.name, 'its counts cannot be mended')
    applyTo(image, corrections)
    // Again, since no more than so many corrections are remembered, and since a commit moves tables.
    return true
  })
  if (report.damages === 0) commit(image)
  return report
}

function applyTo(image: Qcow2Image, { counts, flags }: Corrections): void {
  for (const [cluster, count] of counts) image.counts.set(cluster, count)
  for (const { l1, l2 } of flags) {
    if (l2 >= 0) {
      const table = image.l2TableToChange(l1)
      table.set(l2, withCopied(table.high(l2)), table.low(l2))
    } else image.l1.set(l1, withCopied(image.l1.high(l1)), image.l1.low(l1))
    if (isCommitDue(image)) commit(image)
  }
  commit(image)
}
