/**
 * The platform: a machine's devices, wired up on its bus.
 *
 * ```
 *   hart's thread ──► bus ──(lock)──► uart ─► plic ─► HartLines      main thread ◄── doorbell: console output,
 *                                     rtc  ───┘ or APLIC, IMSICs                     RTC alarm moved, machine ended
 *                                     aclint ───────┘ (bare boot)
 * ```
 * Why: every thread of a machine calls `createPlatform` over the same words and gets its own objects of the same
 * devices; an access is served where it happens.
 * Invariants: all state is in the words. The lifecycle's moves are made by the main thread alone. Everything here that
 * is not documented as free of the lock takes it, so nothing may be called from inside a device or a `HartLines`.
 */

import { assert, err, ok, type Result } from '@virga/base'
import {
  Bus,
  type Device,
  Doorbell,
  type HartLines,
  SharedMutex,
  type Snapshot,
  type SnapshotMismatch,
} from '@virga/device'
import { type VirtioModel, type VirtioPciFunction, virtioPciWords } from '@virga/virtio'
import { Aclint, aclintLayout } from './aclint.ts'
import { Aplic, aplicLayout } from './aplic.ts'
import { Finisher, type Outcome } from './finisher.ts'
import { GoldfishRtc } from './goldfish-rtc.ts'
import { imsicMessages, imsicWindow } from './imsic.ts'
import { hartsMax, memoryMap } from './memory-map.ts'
import { createPciBus, pciBusWords } from './pci-bus.ts'
import { Plic, plicLayout } from './plic.ts'
import { Uart16550 } from './uart16550.ts'

/** How interrupts get to harts: over the PLIC's wires, or as messages through APLIC and IMSICs. */
export type InterruptArchitecture = 'plic' | 'aia'

export interface PlatformOptions {
  /** shared memory, `platformStateBytes(harts, devices)` bytes, zero when the machine is made */
  readonly words: Int32Array
  /** 1 to `hartsMax` */
  readonly harts: number
  /** what is on the PCI bus, from slot 1 on */
  readonly devices?: readonly VirtioModel[]
  /** which controller devices interrupt through; aia needs harts with an IMSIC */
  readonly interrupts?: InterruptArchitecture
  /** bare: the guest is in M-mode and has the ACLINT; direct: it has not */
  readonly boot: 'direct' | 'bare'
  readonly lines: HartLines
  /** one word that rings the thread that serves queues, if it serves other machines too; default: one of `words` */
  readonly ioBell?: Int32Array | undefined
  /** ticks of the `time` CSR; the same on every thread */
  readonly clock: () => number
  /** milliseconds since 1970 */
  readonly wallClock: () => number
}

export interface Platform extends Omit<Device, 'name' | 'snapshot' | 'restore'> {
  readonly bus: Bus
  /** the controllers; one of them is on the bus */
  readonly plic: Plic
  readonly aplic: Aplic
  /** Rings when there is something for the main thread: output, room for input, a moved alarm, the end. */
  readonly doorbell: Doorbell
  /** Rings when there is something for the thread that serves queues: a kick, a reset, a change of the run state. */
  readonly ioBell: Doorbell
  /** the devices, in the order that they were given in */
  readonly devices: readonly VirtioPciFunction[]
  readonly console: PlatformConsole
  /** How the guest ended the machine. Free of the lock. */
  outcome(): Outcome
  /** Ends the machine on the guest's behalf (SBI, HTIF). The first outcome stays. */
  finish(outcome: Exclude<Outcome, { kind: 'none' }>): void
  /**
   * Drives the hart's machine timer wire for the time it is; returns the tick by which it must be called again, or
   * Infinity. The hart's pCPU calls it before the hart runs or sleeps, and after `HartLines.wake`. Cheap when unused.
   */
  serviceHartTimer(hart: number): number
  /**
   * Does what is due by the wall clock (RTC alarm); returns the wall-clock milliseconds by which it must be called
   * again, or Infinity. The main thread calls it whenever the doorbell rang.
   */
  serviceWallClock(): number
  /** Runs `critical` under the bus lock. */
  locked<T>(critical: () => T): T
  snapshot(): Readonly<Record<string, Snapshot>>
  restore(snapshots: Readonly<Record<string, Snapshot>>): Result<void, SnapshotMismatch>
}

/** The far end of the UART's line, for the main thread. */
export interface PlatformConsole {
  /** Offers input; returns how many bytes were taken. If not all: offer the rest when the doorbell has rung. */
  input(bytes: Uint8Array): number
  /** Takes all output so far. */
  output(): Uint8Array<ArrayBuffer>
}

const lockWord = 0
const doorbellWord = 1
const ioBellWord = 2
const headWords = 16

function layouts(harts: number) {
  return {
    plic: plicLayout(harts),
    aplic: aplicLayout,
    aclint: aclintLayout(harts),
    uart: Uart16550.layout,
    rtc: GoldfishRtc.layout,
    finisher: Finisher.layout,
  }
}

/** Bytes of shared memory that the platform of a machine with `harts` harts needs: a multiple of 64. */
export function platformStateBytes(harts: number, devices: readonly VirtioModel[] = []): number {
  const own = Object.values(layouts(harts)).map((layout) => layout.words)
  const words = [...own, ...pciBusWords(devices.map(virtioPciWords))].reduce(
    (sum, count) => sum + count,
    headWords,
  )
  return Math.ceil(words / 16) * 64
}

/** Makes this thread's objects of the devices over the machine's shared words. Changes no state: `start` does. */
export function createPlatform(options: PlatformOptions): Platform {
  const { words, harts, lines, devices: models = [] } = options
  assert(Number.isInteger(harts) && harts >= 1 && harts <= hartsMax, `a machine has 1 to ${hartsMax} harts`)
  assert(words.byteLength === platformStateBytes(harts, models), 'the platform gets the words it asked for')
  const mutex = new SharedMutex(words, lockWord)
  const doorbell = new Doorbell(words, doorbellWord)
  const ioBell =
    options.ioBell === undefined ? new Doorbell(words, ioBellWord) : new Doorbell(options.ioBell, 0)
  let next = headWords
  const takeWords = (count: number) => {
    next += count
    return words.subarray(next - count, next)
  }
  const take = (wanted: { words: number }) => takeWords(wanted.words)
  const layout = layouts(harts)
  const plic = new Plic(take(layout.plic), harts, lines)
  const aplic = new Aplic(take(layout.aplic), harts, lines)
  const byMessage = options.interrupts === 'aia'
  const controller = byMessage ? aplic : plic
  const aclint = new Aclint(take(layout.aclint), harts, lines, options.clock)
  const uart = new Uart16550(take(layout.uart), controller.source(memoryMap.uart.interrupt), doorbell)
  const rtc = new GoldfishRtc(
    take(layout.rtc),
    controller.source(memoryMap.rtc.interrupt),
    doorbell,
    options.wallClock,
  )
  const finisher = new Finisher(take(layout.finisher), doorbell)
  const pciWords = pciBusWords(models.map(virtioPciWords)).map(takeWords)
  const pci = createPciBus({
    models,
    words: pciWords,
    bell: ioBell,
    messages: byMessage ? imsicMessages(harts, lines) : { send: () => undefined },
    line: (interrupt) => controller.source(interrupt),
  })
  const mmio = [
    ...(byMessage ? [aplic, imsicWindow(harts, lines)] : [plic]),
    ...(options.boot === 'bare' ? [aclint] : []),
    ...[uart, rtc, finisher],
  ]
  // The controller first: the others drive its wires when they start.
  const devices: Device[] = [plic, aplic, aclint, uart, rtc, finisher, pci.root, ...pci.devices]
  const locked = <T>(critical: () => T): T => mutex.run(critical)
  const each = (move: (device: Device) => void) => locked(() => devices.forEach(move))

  return {
    bus: new Bus(mutex, [...mmio, ...pci.windows]),
    plic,
    aplic,
    doorbell,
    ioBell,
    devices: pci.devices,
    console: {
      input: (bytes) => locked(() => uart.input(bytes)),
      output: () => locked(() => uart.output()),
    },
    outcome: () => finisher.outcome(),
    finish: (outcome) => locked(() => finisher.finish(outcome)),
    serviceHartTimer: (hart) => (aclint.idle(hart) ? Infinity : locked(() => aclint.service(hart))),
    serviceWallClock: () =>
      locked(() => {
        rtc.service()
        return rtc.deadlineMs()
      }),
    locked,
    start: () => each((device) => device.start()),
    pause: async () => {
      for (const device of devices) await device.pause()
    },
    resume: () => each((device) => device.resume()),
    reset: () => each((device) => device.reset()),
    halt: () => each((device) => device.halt()),
    snapshot: () =>
      locked(() => Object.fromEntries(devices.map((device) => [device.name, device.snapshot()]))),
    restore: (snapshots) => locked(() => restoreAll(devices, snapshots)),
  }
}

function restoreAll(
  devices: readonly Device[],
  snapshots: Readonly<Record<string, Snapshot>>,
): Result<void, SnapshotMismatch> {
  for (const device of devices) {
    const snapshot = snapshots[device.name]
    if (snapshot === undefined) return err({ reason: `${device.name}: there is no snapshot of it` })
    const result = device.restore(snapshot)
    if (!result.ok) return result
  }
  return ok(undefined)
}
