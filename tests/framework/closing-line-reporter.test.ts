/** The closing line, judged on real runs of the test runner over files written for the purpose. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { closingLine } from './closing-line-reporter.ts'

const rootDir = join(import.meta.dirname, '../..')
const workDir = mkdtempSync(join(tmpdir(), 'virga-closing-line-'))
afterAll(() => rmSync(workDir, { recursive: true }))

const passes = "it('passes', () => expect(1).toBe(1))"
const fails = "it('fails', () => expect(1).toBe(2))"

/** Runs the runner on `files` and gives its last line and exit status. */
function run(
  name: string,
  files: Readonly<Record<string, string>>,
): { lastLine: string; status: number | null } {
  const dir = join(workDir, name)
  mkdirSync(dir)
  for (const [file, body] of Object.entries(files)) writeFileSync(join(dir, file), body)
  const runner = join(rootDir, 'node_modules/vitest/vitest.mjs')
  const reporter = join(import.meta.dirname, 'closing-line-reporter.ts')
  const flags = ['run', '--globals', '--root', dir, `--reporter=${reporter}`, '--reporter=default']
  const { stdout, status } = spawnSync(process.execPath, [runner, ...flags], { encoding: 'utf8' })
  return { lastLine: stdout.trimEnd().split('\n').at(-1) ?? '', status }
}

describe('a run', () => {
  it('counts what passed', () => {
    expect(run('good', { 'a.test.js': passes, 'b.test.js': passes })).toEqual({
      lastLine: '2 passed, 0 failed',
      status: 0,
    })
  })

  it('counts failed tests, files that do not load and suites whose hooks throw', () => {
    const { lastLine, status } = run('bad', {
      'a.test.js': `${passes}\n${fails}`,
      'b.test.js': "import './absent.js'",
      'c.test.js': `describe('s', () => { beforeAll(() => { throw new Error('no') }); ${passes} })`,
    })
    expect(lastLine).toBe('1 passed, 3 failed, 1 skipped')
    expect(status).toBe(1)
  })

  it('counts an error that no test caught', () => {
    const stray =
      "it('is quiet', async () => { void Promise.reject(new Error('stray')); await new Promise((r) => setTimeout(r, 20)) })"
    expect(run('stray', { 'a.test.js': stray })).toEqual({ lastLine: '1 passed, 1 failed', status: 1 })
  })
})

describe('the line', () => {
  it('calls a run of no test a failure', () => {
    expect(closingLine({ passed: 0, failed: 0, skipped: 0 })).toBe('0 passed, 1 failed')
  })
})
