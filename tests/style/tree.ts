/**
 * The source tree as the tidy tests see it: paths and texts. Why: every rule is a function from a tree to its
 * violations, so a rule can be given the real tree or a made-up bad one, and be seen to find what it is for.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, Visitor } from 'rolldown/utils'

/** Path relative to the root, with `/` between parts → text of the file. */
export type Tree = ReadonlyMap<string, string>

/** A rule gives one line for each violation, beginning with the path. */
export type Rule = (tree: Tree) => string[]

/** Where the repository stands on this machine. */
export const rootDir = join(import.meta.dirname, '../..')

/** Folders that git ignores, and git's own. */
const ignoredFolders = new Set(['node_modules', 'dist', 'generated', '.git', '.vitest'])

/** Reads every file that belongs to the repository. */
export function readTree(): Tree {
  const tree = new Map<string, string>()
  const visit = (folder: string) => {
    for (const entry of readdirSync(join(rootDir, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && !ignoredFolders.has(entry.name)) visit(path)
      if (entry.isFile()) tree.set(path, readFileSync(join(rootDir, path), 'utf8'))
    }
  }
  visit('')
  return tree
}

/** A tree of the given files, for showing that a rule can fail. */
export function sampleTree(files: Readonly<Record<string, string>>): Tree {
  return new Map(Object.entries(files))
}

/** The TypeScript (and AssemblyScript) files of `tree`, but for declarations (`.d.ts`). */
export function sources(tree: Tree): [path: string, text: string][] {
  return [...tree].filter(([path]) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
}

/** Tests and what only they use: allowed Node, and longer than other files. */
export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.endsWith('.case.ts') || path.startsWith('tests/')
}

const runtime = 'packages/riscv/runtime/'

/** AssemblyScript, which is read by its own compiler and by none of the TypeScript tools; its tests are not. */
export function isAssemblyScript(path: string): boolean {
  return path.startsWith(runtime) && !path.endsWith('.test.ts') && !path.startsWith(`${runtime}testing/`)
}

/** What a file imports or re-exports, types included, as written. Throws when the file is no TypeScript. */
export function importsOf(path: string, text: string): string[] {
  const { module, program, errors } = parseSync(path, isAssemblyScript(path) ? withoutDecorators(text) : text)
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`)
  const found = module.staticImports.map((one) => one.moduleRequest.value)
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest } of entries) if (moduleRequest) found.push(moduleRequest.value)
  }
  new Visitor({
    ImportExpression: ({ source }) => pushText(source, found),
    TSImportType: ({ source }) => pushText(source, found),
  }).visit(program)
  return [...new Set(found)]
}

/** The text with comments blanked out, line breaks kept. */
export function withoutComments(path: string, text: string): string {
  const { comments } = parseSync(path, isAssemblyScript(path) ? withoutDecorators(text) : text)
  let code = text
  for (const { start, end } of comments) {
    code = code.slice(0, start) + code.slice(start, end).replace(/[^\n]/g, ' ') + code.slice(end)
  }
  return code
}

/** AssemblyScript decorates functions, TypeScript does not; lengths are kept. */
function withoutDecorators(text: string): string {
  return text.replace(
    /^(\s*)(@[a-z]+(?:\([^)\n]*\))?)/gm,
    (_, space, name) => space + ' '.repeat(name.length),
  )
}

function pushText(source: { readonly type: string; readonly value?: unknown }, into: string[]): void {
  if (source.type === 'Literal' && typeof source.value === 'string') into.push(source.value)
}

/** A package.json, as far as the rules read it. */
export interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly private?: boolean
  readonly type?: string
  readonly license?: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** The package.json of `folder` ('' is the root), or an empty one. */
export function manifestOf(tree: Tree, folder: string): Manifest {
  return JSON.parse(tree.get(folder === '' ? 'package.json' : `${folder}/package.json`) ?? '{}')
}

/** The folder of the package or app that `path` is in, or undefined. */
export function unitOf(path: string): string | undefined {
  return /^(?:packages|apps)\/[^/]+(?=\/)/.exec(path)?.[0]
}

/** The folders of all packages and apps. */
export function units(tree: Tree): string[] {
  return [...new Set([...tree.keys()].map(unitOf).filter((unit) => unit !== undefined))].sort()
}
