/** Formatter, linter and type checker: the tree passes all, and the rules we chose are in force. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { rootDir } from './tree.ts'

/** Runs a program of node_modules/.bin; its report is what the test shows when it fails. */
function tool(
  name: string,
  args: readonly string[],
  cwd = rootDir,
): { status: number | null; report: string } {
  const { status, stdout, stderr } = spawnSync(join(rootDir, 'node_modules/.bin', name), args, {
    cwd,
    encoding: 'utf8',
  })
  return { status, report: status === 0 ? '' : stdout + stderr }
}

describe('the tree', () => {
  it('is formatted and linted', () => {
    const { report } = tool('biome', ['check', '--colors=off', '--error-on-warnings', '--max-diagnostics=50'])
    expect(report, 'npm run fmt mends most of this').toBe('')
  })

  it('has sound types', () => {
    expect(tool('tsc', ['--pretty', 'false', '-p', 'tsconfig.json']).report).toBe('')
  })
})

/** Path, the rule that refuses it (or none), and a text at fault. */
const samples: readonly (readonly [path: string, rule: string | undefined, text: string])[] = [
  ['packages/vmm/any.ts', 'noExplicitAny', 'export const a = (b: any) => b'],
  ['packages/vmm/ignore.ts', 'noTsIgnore', '// @ts-ignore\nexport const a = 1'],
  ['packages/vmm/enum.ts', 'noEnum', 'export enum A { b }'],
  ['packages/vmm/star.ts', 'noReExportAll', "export * from './any.ts'"],
  ['packages/vmm/default.ts', 'noDefaultExport', 'export default 1'],
  ['packages/vmm/node.ts', 'noNodejsModules', "export { readFileSync } from 'node:fs'"],
  ['packages/vmm/buffer.ts', 'noRestrictedGlobals', 'export const a = Buffer.alloc(1)'],
  ['packages/vmm/timer.ts', 'noRestrictedGlobals', 'setTimeout(() => 1, 1)\nexport const a = 1'],
  ['packages/vmm/catch.ts', 'noEmptyBlockStatements', 'try { f() } catch {}\nexport const a = 1'],
  ['packages/vmm/null.ts', 'noNonNullAssertion', 'export const a = (b?: number) => b!'],
  ['packages/vmm/cycle.ts', 'noImportCycles', "import { b } from './cycled.ts'\nexport const a = () => b"],
  ['packages/vmm/cycled.ts', 'noImportCycles', "import { a } from './cycle.ts'\nexport const b = () => a"],
  ['infra/long.ts', 'noExcessiveLinesPerFunction', `export function a() {\n${'a()\n'.repeat(90)}}`],
  ['infra/promise.ts', 'noFloatingPromises', 'const f = async () => 1\nf()\nexport const a = 1'],
  ['infra/skip.test.ts', 'noSkippedTests', `it.sk${''}ip('x', () => 1)`],
  ['infra/only.test.ts', 'noFocusedTests', "it.only('x', () => 1)"],
  ['infra/node.ts', undefined, "export { readFileSync } from 'node:fs'"],
  ['packages/vmm/node.test.ts', undefined, "export { readFileSync } from 'node:fs'"],
]

describe('the linter', () => {
  const dir = mkdtempSync(join(tmpdir(), 'virga-lint-'))
  afterAll(() => rmSync(dir, { recursive: true }))
  copyFileSync(join(rootDir, 'biome.json'), join(dir, 'biome.json'))
  copyFileSync(join(rootDir, '.gitignore'), join(dir, '.gitignore'))
  for (const [path, , text] of samples) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  const { report } = tool('biome', ['lint', '--colors=off', '--max-diagnostics=none'], dir)
  const found = [...report.matchAll(/^(\S+):\d+:\d+ lint\/\w+\/(\w+)/gm)].map(
    ([, path, rule]) => `${path} ${rule}`,
  )

  it.each(samples)('judges %s: %s', (path, rule) => {
    const rules = new Set(
      found.filter((line) => line.startsWith(`${path} `)).map((line) => line.split(' ')[1]),
    )
    if (rule === undefined) expect([...rules]).toEqual([])
    else expect(rules).toContain(rule)
  })
})
