/**
 * Rules about documentation: every file says what it is, every package has its page, and what is referred to
 * exists: specifications, dependencies, links.
 */
import { posix } from 'node:path'
import { type Manifest, manifestOf, type Rule, sources, type Tree, units } from './tree.ts'

const specsPage = 'docs/specs.md'
const dependenciesPage = 'docs/dependencies.md'

/** Each TypeScript file begins with a module doc. */
export const filesSayWhatTheyAre: Rule = (tree) =>
  [...tree]
    .filter(([path, text]) => path.endsWith('.ts') && !/\w+ \w+/.test(moduleDoc(text)))
    .map(([path]) => `${path}: does not begin with a doc comment`)

function moduleDoc(text: string): string {
  return /^(?:#![^\n]*\n)?\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? ''
}

/** Each package and app has a README, and a package.json that says the same things in the same way. */
export const packagesAreAlike: Rule = (tree) =>
  units(tree).flatMap((unit) => {
    const [kind, name] = unit.split('/')
    const manifest = manifestOf(tree, unit)
    const doors: Manifest['exports'] = { ...manifest.exports, ...(kind === 'apps' && manifest.bin) }
    const expected: Manifest = {
      name: `@virga/${name}`,
      version: manifestOf(tree, '').version ?? '',
      private: true,
      type: 'module',
      license: 'Apache-2.0',
    }
    const faults = Object.entries(expected)
      .filter(([field, value]) => manifest[field as keyof Manifest] !== value)
      .map(([field, value]) => `${field} is not ${JSON.stringify(value)}`)
    if (kind === 'packages' && doors['.'] === undefined) faults.push('has no exports["."]')
    for (const file of Object.values(doors)) {
      // What `npm run build` makes is not in the tree.
      if (!file.startsWith('./dist/') && !tree.has(posix.join(unit, file)))
        faults.push(`names ${file}, which does not exist`)
    }
    return [
      ...faults.map((fault) => `${unit}/package.json: ${fault}`),
      ...(tree.has(`${unit}/README.md`) ? [] : [`${unit}/README.md: does not exist`]),
    ]
  })

/** Each `@spec name` is listed in docs/specs.md. */
export const specsAreListed: Rule = (tree) => {
  const listed = new Set(tableNames(tree, specsPage))
  const citing = sources(tree).filter(([path]) => !path.startsWith('tests/style/'))
  return citing.flatMap(([path, text]) =>
    [...text.matchAll(/@spec +([^\s"]*)/g)]
      .map(([, name = '']) => name)
      .filter((name) => !listed.has(name))
      .map((name) => `${path}: @spec ${name} is not in ${specsPage}`),
  )
}

/** docs/dependencies.md has one line for each third-party package that is named in a package.json, and no other. */
export const dependenciesAreExplained: Rule = (tree) => {
  const explained = tableNames(tree, dependenciesPage)
  const named = new Set(
    ['', ...units(tree)].flatMap((folder) => {
      const { dependencies, devDependencies, optionalDependencies } = manifestOf(tree, folder)
      return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
    }),
  )
  const foreign = [...named].filter((name) => !name.startsWith('@virga/'))
  return [
    ...foreign
      .filter((name) => !explained.includes(name))
      .map((name) => `${dependenciesPage}: no line for ${name}`),
    ...explained
      .filter((name) => !named.has(name))
      .map((name) => `${dependenciesPage}: nothing depends on ${name}`),
    ...explained
      .filter((name, index) => explained.indexOf(name) !== index)
      .map((name) => `${dependenciesPage}: two lines for ${name}`),
  ]
}

/** Relative links in Markdown lead to a file, a folder, or a heading. */
export const linksResolve: Rule = (tree) =>
  [...tree]
    .filter(([path]) => path.endsWith('.md'))
    .flatMap(([path, text]) =>
      [...text.replace(/```[\s\S]*?```|`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target) && !resolves(tree, path, target))
        .map((target) => `${path}: link to ${target} leads nowhere`),
    )

function resolves(tree: Tree, from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? from : posix.join(posix.dirname(from), file).replace(/\/$/, '')
  const text = tree.get(path)
  if (text === undefined) return [...tree.keys()].some((other) => other.startsWith(`${path}/`))
  return anchor === undefined || !path.endsWith('.md') || anchorsOf(text).includes(anchor)
}

/** The anchors that a Markdown page gets from its headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replace(/ /g, '-'),
  )
}

/** The names in the first column of the tables of a page: one, in backticks. */
function tableNames(tree: Tree, page: string): string[] {
  return [...(tree.get(page) ?? '').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name)
}
