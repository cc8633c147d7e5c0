/**
 * Chooses packages: those asked for and, as far as wanted, what they depend on.
 * How: one pass without going back on a choice: an alternative that is chosen already wins, else the first that
 * the archive has; a real package before one that provides the name. It is what apt does where nothing is
 * installed yet and nothing conflicts; a conflict is reported and not worked around.
 */

import { ok, type Result, worldError } from '@virga/base'
import { type DebianPackage, type PackageIndex, packageSatisfies } from './package-index.ts'
import { parseDependencies, type Relation, relationText } from './relation.ts'

/** What to choose. */
export interface PackageRequest {
  /** Names, or relations such as `linux-image-riscv64 (>= 6.12)`. */
  readonly packages: readonly string[]
  /**
   * Whether to choose, too, what a chosen package depends on, by the name it asks for first. Absent: everything.
   * Who only takes files out of packages leaves out what matters when they run their maintainer scripts.
   */
  readonly follow?: (dependencyName: string) => boolean
}

/** The chosen packages, those asked for first, each once. An error names what the archive cannot satisfy. */
export function resolvePackages(index: PackageIndex, request: PackageRequest): Result<DebianPackage[]> {
  const follow = request.follow ?? (() => true)
  const chosen: DebianPackage[] = []
  const wanted = request.packages.map((text) => ({
    group: parseDependencies(text)[0] ?? [],
    wantedBy: undefined as string | undefined,
  }))
  // Grows while it is walked, by the dependencies of each package that is chosen.
  for (const { group, wantedBy } of wanted) {
    if (chosen.some((each) => group.some((relation) => packageSatisfies(each, relation)))) continue
    const found = group.flatMap((relation) => index.candidates(relation))[0]
    if (found === undefined) return unsatisfied(group, wantedBy)
    const clash = chosen.find((each) => conflict(each, found) || conflict(found, each))
    if (clash !== undefined) return worldError(`packages ${clash.name} and ${found.name} exclude each other`)
    chosen.push(found)
    for (const dependency of found.depends) {
      if (dependency.some(({ name }) => follow(name)))
        wanted.push({ group: dependency, wantedBy: found.name })
    }
  }
  return ok(chosen)
}

function conflict(holder: DebianPackage, other: DebianPackage): boolean {
  return holder.name !== other.name && holder.conflicts.some((relation) => packageSatisfies(other, relation))
}

function unsatisfied(group: readonly Relation[], wantedBy: string | undefined): Result<never> {
  const what = group.map(relationText).join(' or ')
  const why = wantedBy === undefined ? '' : `, which ${wantedBy} needs`
  return worldError(`the archive has no package ${what}${why}; is the mirror a complete Debian archive?`)
}
