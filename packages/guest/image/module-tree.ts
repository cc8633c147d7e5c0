/**
 * /lib/modules/RELEASE as modprobe wants it: the modules, modules.dep and modules.alias.
 * Invariant: every module's dependencies are in the tree, or are built into the kernel.
 */

import type { CpioEntry } from './cpio.ts'
import type { KernelModule } from './kernel-module.ts'

/** Names in `wanted`, and names that `modules` depend on, that are neither among `modules` nor in `builtin`. */
export function missingModules(
  wanted: ReadonlySet<string>,
  modules: readonly KernelModule[],
  builtin: ReadonlySet<string>,
): string[] {
  const known = new Set(modules.map(({ name }) => name))
  const needed = new Set([...wanted, ...modules.flatMap(({ depends }) => depends)])
  return [...needed].filter((name) => !known.has(name) && !builtin.has(name))
}

/** The archive entries of the tree for kernel `release`, parents first from `lib` on. */
export function moduleTreeEntries(release: string, modules: readonly KernelModule[]): CpioEntry[] {
  const root = `lib/modules/${release}`
  const inOrder = [...modules].sort((a, b) => (a.path < b.path ? -1 : 1))
  const files = [
    ...inOrder.map(({ path, data }) => ({ path: `${root}/${path}`, data })),
    { path: `${root}/modules.dep`, data: text(inOrder.map((each) => depLine(each, inOrder))) },
    {
      path: `${root}/modules.alias`,
      data: text(inOrder.flatMap(({ name, aliases }) => aliases.map((alias) => `alias ${alias} ${name}`))),
    },
  ]
  const directories = new Set(files.flatMap(({ path }) => parents(path)))
  return [
    ...[...directories].sort().map((path) => ({ kind: 'directory', path, mode: 0o755 }) as const),
    ...files.map(({ path, data }) => ({ kind: 'file', path, mode: 0o644, data }) as const),
  ]
}

/** As depmod writes it: everything below a module, each before what it needs itself; modprobe loads backwards. */
function depLine(module: KernelModule, modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((each) => [each.name, each]))
  const loadOrder: string[] = []
  const visit = ({ depends }: KernelModule): void => {
    for (const name of depends) {
      const dependency = byName.get(name)
      if (dependency === undefined || loadOrder.includes(dependency.path)) continue
      visit(dependency)
      loadOrder.push(dependency.path)
    }
  }
  visit(module)
  return `${module.path}:${loadOrder
    .reverse()
    .map((path) => ` ${path}`)
    .join('')}`
}

function parents(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}

function text(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
}
