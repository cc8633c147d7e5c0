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
import { hartsMax, memoryMap, timebaseHz } from '../memory-map.ts'
import type { InterruptArchitecture } from '../platform.ts'
import { device, indexes, localController, localInterrupt, toHarts } from './controller-nodes.ts'
import { flatten } from './flatten.ts'
import { aplic, imsics, plic, wiredInterrupt } from './interrupt-controllers.ts'
import { baseExtensions, extensionsOf, isaString } from './isa-extensions.ts'
import { cells, type DeviceTreeNode, labelled, node, reference, wideCells } from './node.ts'
import { pciHost } from './pci-host.ts'

export interface MachineTreeOptions {
  /** 1 to `hartsMax` */
  readonly harts: number
  /** default: plic */
  readonly interrupts?: InterruptArchitecture
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

/** The flattened tree; hart 0 boots. */
export function createDeviceTree(options: MachineTreeOptions): Uint8Array<ArrayBuffer> {
  return flatten(machineTree(options))
}

/** The tree as data. */
export function machineTree(options: MachineTreeOptions): DeviceTreeNode {
  const { harts, memoryBytes, boot, interrupts = 'plic' } = options
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
        indexes(harts).map((hart) => cpu(hart, interrupts)),
      ),
      node(
        'soc',
        { '#address-cells': cells(2), '#size-cells': cells(2), compatible: 'simple-bus', ranges: true },
        [
          finisher(),
          rtc(interrupts),
          ...(boot === 'bare' ? [clint(harts)] : []),
          ...(interrupts === 'aia' ? [imsics(harts), aplic()] : [plic(harts)]),
          uart(interrupts),
          pciHost(interrupts),
        ],
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

function cpu(hart: number, interrupts: InterruptArchitecture): DeviceTreeNode {
  const extensions = extensionsOf(interrupts)
  const properties = {
    device_type: 'cpu',
    reg: cells(hart),
    status: 'okay',
    compatible: 'riscv',
    'riscv,isa': isaString(extensions),
    'riscv,isa-base': 'rv64i',
    'riscv,isa-extensions': [...baseExtensions, ...extensions],
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

function clint(harts: number): DeviceTreeNode {
  return device('clint', memoryMap.aclint, {
    compatible: ['sifive,clint0', 'riscv,clint0'],
    'interrupts-extended': toHarts(harts, [localInterrupt.machineSoftware, localInterrupt.machineTimer]),
  })
}

function uart(interrupts: InterruptArchitecture): DeviceTreeNode {
  return device('serial', memoryMap.uart, {
    compatible: 'ns16550a',
    'clock-frequency': cells(uartClockHz),
    ...wiredInterrupt(interrupts, memoryMap.uart.interrupt),
  })
}

function rtc(interrupts: InterruptArchitecture): DeviceTreeNode {
  return device('rtc', memoryMap.rtc, {
    compatible: 'google,goldfish-rtc',
    ...wiredInterrupt(interrupts, memoryMap.rtc.interrupt),
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
