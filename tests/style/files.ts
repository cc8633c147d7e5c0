/**
 * Rules about files: their names, their lengths, where tests may stand, and what may not be left in them.
 */
import { isTest, type Rule, sources, withoutComments } from './tree.ts'

/** Most lines of a source file; tests and tables, which are read by looking things up, may be longer. */
export const linesMax = { source: 600, table: 1000, frontDoor: 80 } as const

/** Names that say nothing about what is inside. */
const emptyNames = /^(?:utils?|helpers?|commons?|misc|managers?|stuff)$/

/** Lower-case words joined by hyphens, then what kind of file it is; a spec's own name may have dots. */
const kebabCase = /^[a-z0-9]+(?:[.-][a-z0-9]+)*$/

/** Files whose names others chose. */
const foreignNames = /^(?:[A-Z]+\.md|LICENSE|\.[a-z]+(?:ignore|rc|config)|Dockerfile)$/

/** Every file and folder has a kebab-case name that says something. */
export const namesSaySomething: Rule = (tree) =>
  [...tree.keys()].flatMap((path) => {
    const parts = path.split('/')
    const odd = parts.filter((part) => !(kebabCase.test(part) || foreignNames.test(part) || part === '.ci'))
    const empty = parts.flatMap((part) => part.split(/[.-]/)).filter((word) => emptyNames.test(word))
    return [
      ...odd.map((part) => `${path}: ${part} is not kebab-case`),
      ...empty.map((word) => `${path}: ${word} says nothing about what is inside`),
    ]
  })

/** No file is longer than a reader can hold. */
export const filesAreShort: Rule = (tree) =>
  sources(tree).flatMap(([path, text]) => {
    const table = isTest(path) || /-(?:table|cases|vectors)\.ts$/.test(path)
    const max = /^packages\/[^/]+\/index\.ts$/.test(path)
      ? linesMax.frontDoor
      : linesMax[table ? 'table' : 'source']
    const lineCount = text.trimEnd().split('\n').length
    return lineCount > max ? [`${path}: ${lineCount} lines, at most ${max}`] : []
  })

/** Every test file is in a place that vitest.config.ts gives to some kind of test. */
export const testsAreRun: Rule = (tree) =>
  [...tree.keys()]
    .filter((path) => /\.(?:test|spec)\.[a-z]+$/.test(path))
    .filter(
      (path) =>
        !/^(?:packages|apps|infra|tests\/(?:framework|style|conformance|e2e))\/.+\.test\.ts$/.test(path),
    )
    .map((path) => `${path}: no kind of test in vitest.config.ts covers it`)

const openEnds: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['an open end', new RegExp(`\\b(?:TO${''}DO|FIX${''}ME|XX${''}X|HA${''}CK)\\b`)],
  ['something absent', new RegExp(`\\b(?:not (?:yet )?implemented|un${''}implemented)\\b`, 'i')],
]

/** Real or absent: nothing is marked for later. Prose in Markdown may speak of such marks. */
export const nothingIsLeftOpen: Rule = (tree) =>
  [...tree]
    .filter(([path]) => !path.endsWith('.md') && path !== 'package-lock.json')
    .flatMap(([path, text]) => {
      const found = openEnds.flatMap(([what, pattern]) => {
        const word = pattern.exec(text)?.[0]
        return word === undefined ? [] : [`${path}: ${what}: ${word}`]
      })
      return found
    })

/** A test runs, or it is not there: none is skipped because a tool is missing. (The linter finds plain skips.) */
export const noTestIsConditional: Rule = (tree) =>
  sources(tree)
    .filter(([path]) => path.endsWith('.test.ts'))
    .flatMap(([path, text]) => {
      const call = /\.(?:skipIf|runIf|todo|fails)\b(?=\()|\.skip\(/.exec(withoutComments(path, text))?.[0]
      return call === undefined ? [] : [`${path}: ${call}`]
    })
