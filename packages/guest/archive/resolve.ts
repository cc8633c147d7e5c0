/**
 * Chooses packages: those asked for and, as far as wanted, what they depend on.
 * How: one pass without going back on a choice: an alternative that is chosen already wins, else the first that
 * the archive has and that no chosen package excludes; a real package before one that provides the name. It is
 * what apt does where nothing is installed yet; where no alternative is left, that is reported.
 */

import { ok, type Result, worldError } from '@virga/base'
import { type DebianPackage, type PackageIndex, packageSatisfies } from './package-index.ts'
import { parseDependencies, type Relation, relationText } from './relation.ts'

/** What to choose. */
export interface PackageRequest {
  /** Names, or relations such as `linux-image-riscv64 (>= 6.12)`. */
  readonly packages: readonly string[]
  /** Chosen already, by an earlier request: they serve, and exclude, but what they depend on is not looked at. */
  readonly given?: readonly DebianPackage[]
  /**
   * Whether to choose, too, what the chosen package `dependentName` depends on, by the name it asks for first. Absent:
   * everything.
   * Who only takes files out of packages leaves out what matters when they run their maintainer scripts.
   */
  readonly follow?: (dependencyName: string, dependentName: string) => boolean
}

/** The chosen packages: those given, those asked for, the rest; each once. An error names what cannot be had. */
export function resolvePackages(index: PackageIndex, request: PackageRequest): Result<DebianPackage[]> {
  const follow = request.follow ?? (() => true)
  const chosen: DebianPackage[] = [...(request.given ?? [])]
  const wanted = request.packages.map((text) => ({
    group: parseDependencies(text)[0] ?? [],
    wantedBy: undefined as string | undefined,
  }))
  // Grows while it is walked, by the dependencies of each package that is chosen.
  for (const { group, wantedBy } of wanted) {
    if (chosen.some((each) => group.some((relation) => packageSatisfies(each, relation)))) continue
    const candidates = group.flatMap((relation) => index.candidates(relation))
    const [first] = candidates
    if (first === undefined) return unsatisfied(group, wantedBy)
    const found = candidates.find((candidate) => clashOf(candidate, chosen) === undefined)
    if (found === undefined) return worldError(clashOf(first, chosen) ?? '')
    chosen.push(found)
    for (const dependency of found.depends) {
      if (dependency.some(({ name }) => follow(name, found.name)))
        wanted.push({ group: dependency, wantedBy: found.name })
    }
  }
  return ok(chosen)
}

/** Why `candidate` cannot be chosen besides `chosen`, or undefined. */
function clashOf(candidate: DebianPackage, chosen: readonly DebianPackage[]): string | undefined {
  const { name, version } = candidate
  for (const each of chosen) {
    if (each.name === name) return `package ${name} is needed in two versions, ${each.version} and ${version}`
    if (conflict(each, candidate) || conflict(candidate, each)) {
      return `packages ${each.name} and ${name} exclude each other`
    }
  }
  return undefined
}

function conflict(holder: DebianPackage, other: DebianPackage): boolean {
  return holder.name !== other.name && holder.conflicts.some((relation) => packageSatisfies(other, relation))
}

function unsatisfied(group: readonly Relation[], wantedBy: string | undefined): Result<never> {
  const what = group.map(relationText).join(' or ')
  const why = wantedBy === undefined ? '' : `, which ${wantedBy} needs`
  return worldError(`the archive has no package ${what}${why}; is the mirror a complete Debian archive?`)
}
