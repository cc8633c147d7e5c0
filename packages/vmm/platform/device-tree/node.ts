/**
 * A device tree as data: nodes, properties, references by label.
 * @spec devicetree "The Devicetree"
 * Why: the machine's tree is written as one expression, and flattened in one place.
 */

/** Stands for the phandle of the node that has the label. */
export interface Reference {
  readonly label: string
}

/** One 32-bit cell. */
export type Cell = number | Reference

/** A property's value; `true` is a property without one, a list of texts is a string list. */
export type PropertyValue =
  | true
  | string
  | readonly string[]
  | Uint8Array
  | { readonly cells: readonly Cell[] }

export interface DeviceTreeNode {
  /** with unit address, e.g. 'serial@10000000'; the root's is empty */
  readonly name: string
  /** what references call it; such a node gets a phandle */
  readonly label?: string
  readonly properties: Readonly<Record<string, PropertyValue>>
  readonly children: readonly DeviceTreeNode[]
}

/** A node. */
export function node(
  name: string,
  properties: Readonly<Record<string, PropertyValue>>,
  children: readonly DeviceTreeNode[] = [],
): DeviceTreeNode {
  return { name, properties, children }
}

/** The same node with a label. */
export function labelled(label: string, unlabelled: DeviceTreeNode): DeviceTreeNode {
  return { ...unlabelled, label }
}

/** A value of 32-bit cells: unsigned numbers or references. */
export function cells(...values: readonly Cell[]): { readonly cells: readonly Cell[] } {
  return { cells: values }
}

/** The two cells, high first, of each number (whole, below 2^53). */
export function wideCells(...values: readonly number[]): { readonly cells: readonly Cell[] } {
  return { cells: values.flatMap((value) => [Math.floor(value / 2 ** 32), value % 2 ** 32]) }
}

/** A reference to the node labelled `label`. */
export function reference(label: string): Reference {
  return { label }
}
