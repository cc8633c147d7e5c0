/**
 * Ends a test run with `N passed, N failed` alone on a line, which is what scripts read. Why: the runner's own
 * summary counts files and tests apart, and a file that does not load appears in it as no test at all.
 */
import { writeSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** How a run went. A file or a suite that fails outside its tests, and a stray rejection, is one failure each. */
export interface Tally {
  passed: number
  failed: number
  skipped: number
}

/** Counts the tests of a run and what failed around them. */
export function tally(modules: readonly TestModule[], unhandledErrorCount: number): Tally {
  const counts: Tally = { passed: 0, failed: unhandledErrorCount, skipped: 0 }
  for (const module of modules) {
    counts.failed += module.errors().length
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      // a test that never finished has not passed
      counts[state === 'pending' ? 'failed' : state]++
    }
  }
  return counts
}

/** The closing line, without its line end. A run of no test at all is a failure. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  const nothingRan = passed + failed === 0
  return `${passed} passed, ${nothingRan ? 1 : failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const line = closingLine(tally(modules, unhandledErrors.length))
    // at exit, so that it stands below whatever the other reporters still print
    process.once('exit', () => writeSync(1, `\n${line}\n`))
  }
}
