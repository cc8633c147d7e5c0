/** The syntax of Depends, Provides and Conflicts. @spec debian-policy "Syntax of relationship fields" */

import type { VersionOperator } from './version.ts'

/** A package name, and the versions of it that will do. */
export interface Relation {
  readonly name: string
  readonly version?: { readonly operator: VersionOperator; readonly wanted: string }
}

/** All of the groups must hold; in each group any one relation is enough. */
export type Dependencies = readonly (readonly Relation[])[]

/** Parses a field such as `a (>= 1.2) | b, c:any`; the empty field has no groups. */
export function parseDependencies(field: string): Dependencies {
  return field
    .split(',')
    .map((group) =>
      group
        .split('|')
        .map(parseRelation)
        .filter((relation) => relation !== undefined),
    )
    .filter((group) => group.length > 0)
}

/** A relation as one writes it. */
export function relationText({ name, version }: Relation): string {
  return version === undefined ? name : `${name} (${version.operator} ${version.wanted})`
}

const operators: Readonly<Record<string, VersionOperator>> = {
  '<<': '<<',
  '<=': '<=',
  '=': '=',
  '>=': '>=',
  '>>': '>>',
  '<': '<=',
  '>': '>=',
}

/** An architecture after the name (`:any`) is dropped: an archive of one architecture is all there is. */
function parseRelation(text: string): Relation | undefined {
  const match = /^\s*([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*([<>=]+)\s*([^)\s]+)\s*\))?/.exec(text)
  if (match === null) return undefined
  const [, name = '', symbol, wanted] = match
  const operator = symbol === undefined ? undefined : operators[symbol]
  return operator === undefined || wanted === undefined ? { name } : { name, version: { operator, wanted } }
}
