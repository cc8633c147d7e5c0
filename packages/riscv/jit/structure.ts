/**
 * Turns a graph of blocks into what WebAssembly can say: sequences and loops.
 *
 * ```
 *   items in topological order: a jump forward leaves the nested block that ends where its item begins
 *   a loop: every jump to one of its headers is a jump to its start; with more headers than one, a number says
 *           which, and a `br_table` at the start goes there
 * ```
 * Strongly connected components become loops; inside one, the jumps to its headers are taken away and the rest is
 * arranged again, until nothing goes back. An entry in the middle of a loop makes it a loop of two headers, and
 * leaves the loops inside it whole.
 */

/** One block, or a loop of items. */
export type Item =
  | { readonly kind: 'block'; readonly block: number }
  | { readonly kind: 'loop'; readonly headers: readonly number[]; readonly body: readonly Item[] }

/** The direct successors of each block, by number. */
export type Graph = readonly (readonly number[])[]

/** Arranges the blocks that can be reached from `entries`. */
export function arrange(graph: Graph, entries: readonly number[]): readonly Item[] {
  const all = new Set(graph.keys())
  return arrangeWithin(graph, all, entries, new Set())
}

/** Jumps to a block in `closed` go to an enclosing loop and do not count here. */
function arrangeWithin(
  graph: Graph,
  nodes: ReadonlySet<number>,
  roots: readonly number[],
  closed: ReadonlySet<number>,
): Item[] {
  const next = (node: number) =>
    (graph[node] ?? []).filter((successor) => nodes.has(successor) && !closed.has(successor))
  return components(roots, next).map((component): Item => {
    const [only] = component
    if (component.length === 1 && only !== undefined && !next(only).includes(only)) {
      return { kind: 'block', block: only }
    }
    const inside = new Set(component)
    const headers = new Set(roots.filter((root) => inside.has(root)))
    for (const node of nodes) {
      if (inside.has(node)) continue
      for (const successor of next(node)) if (inside.has(successor)) headers.add(successor)
    }
    const list = [...headers].sort((a, b) => a - b)
    return {
      kind: 'loop',
      headers: list,
      body: arrangeWithin(graph, inside, list, new Set([...closed, ...list])),
    }
  })
}

/** Strongly connected components of what the roots lead to, each before those that it leads to (Tarjan). */
function components(roots: readonly number[], next: (node: number) => readonly number[]): number[][] {
  const found: number[][] = []
  const order = new Map<number, number>()
  const stack: number[] = []
  const onStack = new Set<number>()
  const visit = (node: number): number => {
    const mine = order.size
    order.set(node, mine)
    let lowest = mine
    stack.push(node)
    onStack.add(node)
    for (const successor of next(node)) {
      if (!order.has(successor)) lowest = Math.min(lowest, visit(successor))
      else if (onStack.has(successor)) lowest = Math.min(lowest, order.get(successor) ?? 0)
    }
    if (lowest === mine) {
      const component = stack.splice(stack.indexOf(node))
      for (const member of component) onStack.delete(member)
      found.push(component)
    }
    return lowest
  }
  for (const root of [...roots].reverse()) if (!order.has(root)) visit(root)
  return found.reverse()
}
