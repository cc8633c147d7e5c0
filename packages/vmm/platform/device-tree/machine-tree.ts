/**
 * The device tree that a machine hands to its guest.
 *
 * Why: it is how a kernel learns of its harts, memory and devices; nothing else tells it.
 * Invariants: addresses and interrupts are those of `memoryMap`, extensions those of `isaExtensions`. Under direct boot
 * the guest runs in S-mode and hears nothing of the ACLINT.
 * @spec linux-bindings "riscv/cpus.yaml"
 * @spec linux-bindings "riscv/extensions.yaml"
 */

import { assert } from '@virga/base'
import { finisherCommand } from '../finisher.ts'
import { hartsMax, memoryMap, plicSources, timebaseHz } from '../memory-map.ts'
import { flatten } from './flatten.ts'
import { baseExtensions, isaExtensions, isaString } from './isa-extensions.ts'
import {
  cells,
  type DeviceTreeNode,
  labelled,
  node,
  type PropertyValue,
  reference,
  wideCells,
} from './node.ts'
import { pciHost } from './pci-host.ts'

export interface MachineTreeOptions {
  /** 1 to `hartsMax` */
  readonly harts: number
  /** RAM from `memoryMap.ram.base` on; a multiple of 4096 */
  readonly memoryBytes: number
  /** kernel command line */
  readonly bootargs: string
  /** guest-physical range of the initial ram disk; `end` is the first address after it */
  readonly initrd?: { readonly start: number; readonly end: number }
  readonly boot: 'direct' | 'bare'
  /** random bytes for the kernel's generator, e.g. 64 */
  readonly rngSeed: Uint8Array
  /** 8 random bytes for the kernel's address layout */
  readonly kaslrSeed?: Uint8Array
}

/** Bytes of a cache block, as the CBO instructions see it. */
const cacheBlockBytes = 64
/** The reference clock that UART drivers divide; any will do, since the line has no speed. */
const uartClockHz = 3_686_400
/** Interrupt numbers at a hart's local controller. @spec riscv-priv "Machine Cause (mcause) Register" */
const localInterrupt = { machineSoftware: 3, machineTimer: 7, supervisorExternal: 9, machineExternal: 11 }

/** The flattened tree; hart 0 boots. */
export function createDeviceTree(options: MachineTreeOptions): Uint8Array<ArrayBuffer> {
  return flatten(machineTree(options))
}

/** The tree as data. */
export function machineTree(options: MachineTreeOptions): DeviceTreeNode {
  const { harts, memoryBytes, boot } = options
  assert(Number.isInteger(harts) && harts >= 1 && harts <= hartsMax, `a machine has 1 to ${hartsMax} harts`)
  assert(memoryBytes > 0 && memoryBytes % 4096 === 0, 'memory is whole pages')
  const ram = memoryMap.ram.base
  return node(
    '',
    {
      '#address-cells': cells(2),
      '#size-cells': cells(2),
      compatible: 'virga,machine',
      model: 'Virga machine',
    },
    [
      chosen(options),
      node(`memory@${ram.toString(16)}`, { device_type: 'memory', reg: wideCells(ram, memoryBytes) }),
      node(
        'cpus',
        { '#address-cells': cells(1), '#size-cells': cells(0), 'timebase-frequency': cells(timebaseHz) },
        indexes(harts).map(cpu),
      ),
      node(
        'soc',
        { '#address-cells': cells(2), '#size-cells': cells(2), compatible: 'simple-bus', ranges: true },
        [finisher(), rtc(), ...(boot === 'bare' ? [clint(harts)] : []), plic(harts), uart(), pciHost()],
      ),
      powerSwitch('poweroff', 'syscon-poweroff', finisherCommand.poweroff),
      powerSwitch('reboot', 'syscon-reboot', finisherCommand.reset),
    ],
  )
}

function chosen({ bootargs, initrd, rngSeed, kaslrSeed }: MachineTreeOptions): DeviceTreeNode {
  return node('chosen', {
    bootargs,
    'stdout-path': `/soc/serial@${memoryMap.uart.base.toString(16)}`,
    ...(initrd === undefined
      ? {}
      : { 'linux,initrd-start': wideCells(initrd.start), 'linux,initrd-end': wideCells(initrd.end) }),
    'rng-seed': rngSeed,
    ...(kaslrSeed === undefined ? {} : { 'kaslr-seed': kaslrSeed }),
  })
}

function cpu(hart: number): DeviceTreeNode {
  const properties = {
    device_type: 'cpu',
    reg: cells(hart),
    status: 'okay',
    compatible: 'riscv',
    'riscv,isa': isaString,
    'riscv,isa-base': 'rv64i',
    'riscv,isa-extensions': [...baseExtensions, ...isaExtensions],
    'riscv,cbom-block-size': cells(cacheBlockBytes),
    'riscv,cboz-block-size': cells(cacheBlockBytes),
    'mmu-type': 'riscv,sv57',
  }
  const controller = node('interrupt-controller', {
    '#address-cells': cells(0),
    '#interrupt-cells': cells(1),
    'interrupt-controller': true,
    compatible: 'riscv,cpu-intc',
  })
  return node(`cpu@${hart.toString(16)}`, properties, [labelled(localController(hart), controller)])
}

function plic(harts: number): DeviceTreeNode {
  const controller = device('interrupt-controller', memoryMap.plic, {
    compatible: ['sifive,plic-1.0.0', 'riscv,plic0'],
    '#address-cells': cells(0),
    '#interrupt-cells': cells(1),
    'interrupt-controller': true,
    'riscv,ndev': cells(plicSources),
    'interrupts-extended': toHarts(harts, [
      localInterrupt.machineExternal,
      localInterrupt.supervisorExternal,
    ]),
  })
  return labelled('plic', controller)
}

function clint(harts: number): DeviceTreeNode {
  return device('clint', memoryMap.aclint, {
    compatible: ['sifive,clint0', 'riscv,clint0'],
    'interrupts-extended': toHarts(harts, [localInterrupt.machineSoftware, localInterrupt.machineTimer]),
  })
}

function uart(): DeviceTreeNode {
  return device('serial', memoryMap.uart, {
    compatible: 'ns16550a',
    'clock-frequency': cells(uartClockHz),
    'interrupt-parent': cells(reference('plic')),
    interrupts: cells(memoryMap.uart.interrupt),
  })
}

function rtc(): DeviceTreeNode {
  return device('rtc', memoryMap.rtc, {
    compatible: 'google,goldfish-rtc',
    'interrupt-parent': cells(reference('plic')),
    interrupts: cells(memoryMap.rtc.interrupt),
  })
}

function finisher(): DeviceTreeNode {
  const compatible = ['sifive,test1', 'sifive,test0', 'syscon']
  return labelled('finisher', device('test', memoryMap.finisher, { compatible }))
}

function powerSwitch(name: string, compatible: string, command: number): DeviceTreeNode {
  return node(name, {
    compatible,
    regmap: cells(reference('finisher')),
    offset: cells(0),
    value: cells(command),
  })
}

function device(
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
function toHarts(harts: number, interrupts: readonly number[]): PropertyValue {
  return cells(
    ...indexes(harts).flatMap((hart) =>
      interrupts.flatMap((interrupt) => [reference(localController(hart)), interrupt]),
    ),
  )
}

function localController(hart: number): string {
  return `hart${hart}`
}

function indexes(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
