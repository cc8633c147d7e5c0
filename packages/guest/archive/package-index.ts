/**
 * A Packages index: what one component of an archive has for one architecture.
 * Why: it is over 50 MB of text for some 65,000 packages, of which an image wants a few; so the text is only
 * cut up by name, and a stanza is parsed when it is asked for.
 */

import { defined } from '@virga/base'
import { parseStanza, type Stanza } from './deb822.ts'
import { type Dependencies, parseDependencies, type Relation } from './relation.ts'
import { compareVersions, satisfies } from './version.ts'

/** One package of the archive: what is needed to choose it, fetch it and check it. */
export interface DebianPackage {
  readonly name: string
  readonly version: string
  /** Pre-Depends and Depends together. */
  readonly depends: Dependencies
  readonly provides: readonly Relation[]
  /** Conflicts and Breaks together. */
  readonly conflicts: readonly Relation[]
  /** Path below the mirror's root. */
  readonly path: string
  readonly bytes: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

/** The packages in a Packages index. */
export class PackageIndex {
  readonly #text: string
  /** Where in the text the stanzas of each name start. */
  readonly #startsByName = new Map<string, number[]>()
  /** Where the stanzas are that provide each name. */
  readonly #startsByProvided = new Map<string, number[]>()

  /** `text` is the index, decompressed. */
  constructor(text: string) {
    this.#text = `\n${text}`
    let start = 0
    for (const { 1: field, 2: value = '', index } of this.#text.matchAll(/\n(Package|Provides): ([^\n]*)/g)) {
      if (field === 'Package') {
        start = index + 1
        append(this.#startsByName, value.trim(), start)
        continue
      }
      for (const [provided] of parseDependencies(value)) {
        if (provided !== undefined) append(this.#startsByProvided, provided.name, start)
      }
    }
  }

  /** Packages that satisfy `relation`: those of that name, newest first, then those that provide it, by name. */
  candidates(relation: Relation): DebianPackage[] {
    const named = this.#packagesAt(this.#startsByName.get(relation.name))
      .filter(({ version }) => isSatisfied(relation, version))
      .sort((a, b) => compareVersions(b.version, a.version))
    const providers = this.#packagesAt(this.#startsByProvided.get(relation.name))
      .filter((provider) => provider.provides.some((provided) => provisionSatisfies(provided, relation)))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    return [...named, ...providers]
  }

  #packagesAt(starts: readonly number[] = []): DebianPackage[] {
    return starts.map((start) => {
      const end = this.#text.indexOf('\n\n', start)
      return packageOf(parseStanza(this.#text.slice(start, end < 0 ? undefined : end)))
    })
  }
}

/** Whether `found`, a package or what it provides, satisfies `relation`. */
export function packageSatisfies(found: DebianPackage, relation: Relation): boolean {
  if (found.name === relation.name && isSatisfied(relation, found.version)) return true
  return found.provides.some((provided) => provisionSatisfies(provided, relation))
}

/** A provided name without a version satisfies no relation that asks for one. */
function provisionSatisfies(provided: Relation, relation: Relation): boolean {
  if (provided.name !== relation.name) return false
  return relation.version === undefined || isSatisfied(relation, provided.version?.wanted)
}

function isSatisfied({ version: asked }: Relation, version: string | undefined): boolean {
  if (asked === undefined) return true
  return version !== undefined && satisfies(version, asked.operator, asked.wanted)
}

function packageOf(stanza: Stanza): DebianPackage {
  const field = (name: string): string => stanza.get(name) ?? ''
  const single = (names: readonly string[]): Relation[] =>
    names.flatMap((name) => parseDependencies(field(name)).flat())
  return {
    name: field('package'),
    version: field('version'),
    depends: [...parseDependencies(field('pre-depends')), ...parseDependencies(field('depends'))],
    provides: single(['provides']),
    conflicts: single(['conflicts', 'breaks']),
    path: field('filename'),
    bytes: Number(field('size')),
    sha256: field('sha256'),
  }
}

function append(map: Map<string, number[]>, name: string, start: number): void {
  if (!map.has(name)) map.set(name, [])
  defined(map.get(name), name).push(start)
}
