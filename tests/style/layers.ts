/**
 * Rules about imports: ranks, front doors, declared dependencies, and packages that run on any platform.
 */
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { rankOf } from './ranks.ts'
import {
  importsOf,
  isAssemblyScript,
  isTest,
  manifestOf,
  type Rule,
  sources,
  type Tree,
  unitOf,
  units,
  withoutComments,
} from './tree.ts'

const workspaceScope = '@virga/'

/** Every import goes to a strictly lower rank, or stays inside its own package, app or folder of tooling. */
export const ranksGoDown: Rule = (tree) =>
  eachImport(tree, (path, specifier) => {
    const target = targetOf(path, specifier)
    if (target === undefined || topOf(target) === topOf(path)) return undefined
    const from = rankOf(path)
    const to = rankOf(target)
    if (from === undefined) return `${topOf(path)} has no rank in tests/style/ranks.ts`
    if (to === undefined) return `imports ${specifier}, which has no rank in tests/style/ranks.ts`
    return to < from ? undefined : `imports ${specifier}: rank ${to} is not below rank ${from}`
  })

/** Packages and apps reach each other by name, through `exports`; only tooling may reach inside. */
export const packagesHaveFrontDoors: Rule = (tree) =>
  eachImport(tree, (path, specifier) => {
    const unit = unitOf(path)
    if (specifier.startsWith('.')) {
      const target = targetOf(path, specifier) ?? ''
      return unit !== undefined && unitOf(target) !== unit
        ? `imports ${specifier} from outside ${unit}`
        : undefined
    }
    if (!specifier.startsWith(workspaceScope)) return undefined
    const [name = '', ...inside] = specifier.slice(workspaceScope.length).split('/')
    const door = inside.length === 0 ? '.' : `./${inside.join('/')}`
    const folder = folderOf(name)
    const { exports = {} } = manifestOf(tree, folder)
    return door in exports ? undefined : `imports ${specifier}, which ${folder} does not export`
  })

/** What a file imports, the package.json that governs it declares. Tests may also use what the root declares. */
export const importsAreDeclared: Rule = (tree) => {
  const root = manifestOf(tree, '')
  const rootNames = { ...root.dependencies, ...root.devDependencies }
  return eachImport(tree, (path, specifier) => {
    const name = packageNameOf(specifier)
    if (name === undefined || isAssemblyScript(path)) return undefined
    const unit = unitOf(path)
    if (unit === undefined) {
      return name in rootNames || name.startsWith(workspaceScope)
        ? undefined
        : `imports ${name}, not in package.json`
    }
    const manifest = manifestOf(tree, unit)
    const declared = isTest(path)
      ? { ...rootNames, ...manifest.dependencies, ...manifest.devDependencies, [manifest.name ?? '']: '' }
      : { ...manifest.dependencies, ...manifest.optionalDependencies }
    return name in declared ? undefined : `imports ${name}, not in ${unit}/package.json`
  })
}

/** What a package or app declares, it imports. Typings are read by the type checker alone. */
export const dependenciesAreUsed: Rule = (tree) => {
  const used = new Map(units(tree).map((unit) => [unit, new Set<string | undefined>()]))
  for (const [path, text] of sources(tree)) {
    const names = used.get(unitOf(path) ?? '')
    for (const specifier of names === undefined ? [] : importsOf(path, text))
      names?.add(packageNameOf(specifier))
  }
  return [...used].flatMap(([unit, names]) => {
    const { dependencies, devDependencies } = manifestOf(tree, unit)
    return Object.keys({ ...dependencies, ...devDependencies })
      .filter((name) => !names.has(name) && !name.startsWith('@types/'))
      .map((name) => `${unit}/package.json: declares ${name}, which no file imports`)
  })
}

/** The AssemblyScript runtime is compiled alone: it imports nothing from outside its folder. */
export const runtimeStandsAlone: Rule = (tree) =>
  eachImport(tree, (path, specifier) => {
    if (!isAssemblyScript(path)) return undefined
    const target = posix.join(posix.dirname(path), specifier)
    return specifier.startsWith('.') && isAssemblyScript(target) ? undefined : `imports ${specifier}`
  })

/** Calls that bring in a clock or chance of their own. The linter sees to the other globals of a platform. */
const impureCalls = /\b(?:Date\.now|Math\.random|crypto\.(?:getRandomValues|randomUUID))\b|\bnew Date\(\)/g

/** Packages are given time and randomness, and never take them. */
export const packagesAreGivenTimeAndChance: Rule = (tree) =>
  sources(tree)
    .filter(([path]) => path.startsWith('packages/') && !isTest(path))
    .flatMap(
      ([path, text]) =>
        withoutComments(path, text)
          .match(impureCalls)
          ?.map((call) => `${path}: ${call}`) ?? [],
    )

/** Applies `judge` to every import of every source; what it returns is a violation. */
function eachImport(tree: Tree, judge: (path: string, specifier: string) => string | undefined): string[] {
  return sources(tree).flatMap(([path, text]) =>
    importsOf(path, text)
      .map((specifier) => judge(path, specifier))
      .filter((fault) => fault !== undefined)
      .map((fault) => `${path}: ${fault}`),
  )
}

/** The path in the tree that `specifier` leads to (for a package, a path inside it), or undefined if outside. */
function targetOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier)
  if (!specifier.startsWith(workspaceScope)) return undefined
  return `${folderOf(specifier.slice(workspaceScope.length).split('/')[0] ?? '')}/index.ts`
}

/** Where the package or app of that name is; packages are the rule. */
function folderOf(name: string): string {
  return rankOf(`packages/${name}/index.ts`) === undefined && rankOf(`apps/${name}/index.ts`) !== undefined
    ? `apps/${name}`
    : `packages/${name}`
}

/** What may import itself freely: one package, one app, or all of infra, all of tests, the files at the root. */
function topOf(path: string): string {
  return unitOf(path) ?? (path.includes('/') ? (path.split('/')[0] ?? '') : '')
}

/** The npm package that `specifier` names, or undefined when it is a file or a part of Node. */
function packageNameOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:') || builtinModules.includes(specifier))
    return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
