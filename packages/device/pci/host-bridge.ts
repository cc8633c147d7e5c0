/**
 * A PCI host bridge as generic firmware interfaces describe it: one window for configuration, and windows of memory
 * that the BARs of its functions are put in.
 *
 * ```
 *   ECAM: bus << 20 | device << 15 | function << 12 | register       one bus; functions on its root complex
 *   memory windows: whichever function decodes the address
 * ```
 * Why no state of its own: where a BAR is, is in the function's configuration space, in shared words; so a BAR that a
 * guest moves on one thread has moved on all.
 * Invariants: called under the bus lock. What no function answers reads as all ones and swallows writes, as on a bus
 * where nobody claims an access.
 * @spec pcie "PCI Express Enhanced Configuration Access Mechanism (ECAM)"
 * @spec linux-bindings "pci/host-generic-pci.yaml"
 */

import { assert } from '@virga/base'
import type { AccessBytes, MmioDevice } from '../bus.ts'
import type { InterruptLine } from '../interrupt-line.ts'
import type { PciFunction } from './pci-function.ts'

/** Where a function sits on its bus. */
export interface PciSlot {
  /** 0 to 31 */
  readonly device: number
  readonly function: PciFunction
}

/** A run of guest-physical addresses. */
export interface PciWindow {
  readonly base: number
  readonly bytes: number
}

/** Devices that fit on a bus. */
export const pciDevicesMax = 32

/** Interrupts of a bus: each function's pin ends at one of them, by its slot, so that neighbours do not share. */
export const pciInterrupts = 4

/** Which of the bus's interrupts (0 to 3) pin `pin` (1 to 4) of slot `device` is. @spec pci-bridge "Interrupt Routing" */
export function swizzle(device: number, pin: number): number {
  return (device + pin - 1) % pciInterrupts
}

/** The levels of the bus's interrupts as its functions pull them, driven on `lines`. */
export function drivePins(slots: readonly PciSlot[], lines: readonly InterruptLine[]): void {
  for (const [index, line] of lines.entries()) {
    line.set(
      slots.some(
        ({ device, function: each }) =>
          each.pin > 0 && swizzle(device, each.pin) === index && each.pinAsserted,
      ),
    )
  }
}

const allOnes: Readonly<Record<AccessBytes, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff }
const functionShift = 12
const busShift = 20
const widths: readonly AccessBytes[] = [1, 2, 4]

/** The bridge's windows, for the machine's bus: configuration first. */
export function hostBridgeWindows(
  slots: readonly PciSlot[],
  windows: { readonly config: PciWindow; readonly memory: readonly PciWindow[] },
): MmioDevice[] {
  const numbers = slots.map(({ device }) => device)
  assert(new Set(numbers).size === numbers.length, 'a slot holds one device')
  assert(
    numbers.every((number) => number >= 0 && number < pciDevicesMax),
    `a bus has ${pciDevicesMax} slots`,
  )
  const functions = slots.map((slot) => slot.function)
  return [
    configWindow(slots, windows.config),
    ...windows.memory.map((window, i) => memoryWindow(`pci-memory${i}`, window, functions)),
  ]
}

function configWindow(slots: readonly PciSlot[], window: PciWindow): MmioDevice {
  const byAddress = new Map(slots.map((slot) => [slot.device << (15 - functionShift), slot.function]))
  const find = (offset: number) =>
    offset >>> busShift === 0 ? byAddress.get(offset >>> functionShift) : undefined
  return {
    name: 'pci-config',
    ...window,
    widths,
    load: (offset, bytes) => find(offset)?.loadConfig(offset & 0xfff, bytes) ?? allOnes[bytes],
    store: (offset, bytes, value) => find(offset)?.storeConfig(offset & 0xfff, bytes, value),
  }
}

function memoryWindow(name: string, window: PciWindow, functions: readonly PciFunction[]): MmioDevice {
  return {
    name,
    ...window,
    widths,
    load(offset, bytes) {
      for (const each of functions) {
        const bar = each.decodes(window.base + offset)
        if (bar >= 0) return each.loadBar(bar, each.barOffset, bytes)
      }
      return allOnes[bytes]
    },
    store(offset, bytes, value) {
      for (const each of functions) {
        const bar = each.decodes(window.base + offset)
        if (bar >= 0) {
          each.storeBar(bar, each.barOffset, bytes, value)
          return
        }
      }
    },
  }
}
