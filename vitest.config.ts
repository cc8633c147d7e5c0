/**
 * One test runner, four kinds of test in the order a reader wants bad news: the rules of the tree, the parts, the
 * parts against outside judges, the whole. `npx vitest run packages/NAME` or `--project NAME` picks some.
 */
import { defineConfig } from 'vitest/config'

/** A kind of test. Each starts when those before it have ended; `workers` files run at a time. */
function kind(name: string, groupOrder: number, include: string[], workers: number, timeoutMs: number) {
  return {
    extends: true as const,
    test: {
      name,
      include,
      exclude: ['**/node_modules/**', '**/dist/**'],
      maxWorkers: workers,
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      sequence: { groupOrder },
    },
  }
}

export default defineConfig({
  test: {
    environment: 'node',
    // a process per file: a machine reserves gigabytes of address space and runs threads of its own
    pool: 'forks',
    reporters: ['default', './tests/framework/closing-line-reporter.ts'],
    projects: [
      kind('style', 1, ['tests/style/**/*.test.ts'], 2, 60_000),
      kind('unit', 2, ['{packages,apps,infra,tests/framework}/**/*.test.ts'], 2, 30_000),
      kind('conformance', 3, ['tests/conformance/**/*.test.ts'], 2, 300_000),
      kind('e2e', 4, ['tests/e2e/**/*.test.ts'], 1, 120_000),
    ],
  },
})
