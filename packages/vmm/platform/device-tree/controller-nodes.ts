/** What nodes of devices and controllers are made of: windows, and wires to harts. */

import { cells, type DeviceTreeNode, node, type PropertyValue, reference, wideCells } from './node.ts'

/** Interrupt numbers at a hart's local controller. @spec riscv-priv "Machine Cause (mcause) Register" */
export const localInterrupt = {
  machineSoftware: 3,
  machineTimer: 7,
  supervisorExternal: 9,
  machineExternal: 11,
}

/** A node with a window. */
export function device(
  name: string,
  window: { readonly base: number; readonly bytes: number },
  properties: Readonly<Record<string, PropertyValue>>,
): DeviceTreeNode {
  return node(`${name}@${window.base.toString(16)}`, {
    reg: wideCells(window.base, window.bytes),
    ...properties,
  })
}

/** For each hart, its local controller with each of the interrupts. */
export function toHarts(harts: number, interrupts: readonly number[]): PropertyValue {
  return cells(
    ...indexes(harts).flatMap((hart) =>
      interrupts.flatMap((interrupt) => [reference(localController(hart)), interrupt]),
    ),
  )
}

/** The label of a hart's own interrupt controller. */
export function localController(hart: number): string {
  return `hart${hart}`
}

/** 0 to `count` - 1. */
export function indexes(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
