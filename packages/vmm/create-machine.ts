/**
 * Makes a machine on its owner's thread: checks the configuration, lays the arena out, loads the boot images, prepares
 * the hart blocks. The machine is paused then, and its pCPU threads may attach.
 * Errors: whatever the user can get wrong is one line that says what to do, before any memory is taken.
 */

import { ok, type Result, userError, worldError } from '@virga/base'
import { codePage, hartFlag, hartRequest, hartStatus } from '@virga/riscv/hart'
import { type BareBoot, layOutBareBoot } from './boot/bare.ts'
import { type DirectBoot, layOutDirectBoot } from './boot/direct.ts'
import { type BootLayout, formatBytes } from './boot/placement.ts'
import { type DeviceConfig, deviceModels, devicesMax } from './devices.ts'
import type { HartBlock, LinesMode } from './hart-block.ts'
import { Machine, type MachineDescriptor, type ThreadContext } from './machine.ts'
import { hartCountMax, hartRecord, machineWord } from './machine-block.ts'
import { createArenaMemory, frameBytes, largeFrameBytes, planArena, viewArena } from './memory/arena.ts'
import { FramePool } from './memory/frames.ts'
import { takeSlatRoot } from './memory/slat.ts'
import { MachineOwner } from './owner.ts'
import { createDeviceTree } from './platform/device-tree/machine-tree.ts'
import { type InterruptArchitecture, platformStateBytes } from './platform/platform.ts'

/** What a machine is to be. */
export interface MachineConfig extends ThreadContext {
  /** harts, 1 to 64 */
  readonly cpus: number
  /** RAM, a multiple of 4 KiB, at least 4 MiB */
  readonly memoryBytes: number
  /** pCPU threads that will attach, 1 to `cpus` */
  readonly pcpus: number
  readonly boot: DirectBoot | BareBoot
  /** Random bytes, for the guest's seeds. */
  readonly random: (byteCount: number) => Uint8Array
  /** decoded pages a hart; default 512, fewer with many harts */
  readonly codePagesPerHart?: number
  /** machine memory to set aside; default: enough to back all RAM */
  readonly poolBytes?: number
  /** virtio devices, in the order of their slots; default: none. With any, an I/O thread has to attach */
  readonly devices?: readonly DeviceConfig[]
  /** shared word that rings the I/O thread, the same for all machines that it serves; default: one of the machine's own */
  readonly ioBell?: Int32Array
  /** default: live */
  readonly lines?: LinesMode
  /** default: aia for a direct boot; a bare one has the PLIC, since M-mode has no AIA here */
  readonly interrupts?: InterruptArchitecture
}

const memoryBytesMin = 4 * 2 ** 20
const codePagesMax = 512
/** All harts together, when there are many. */
const codePagesTotal = 4096
const rngSeedBytes = 64
const kaslrSeedBytes = 8

/** Makes a machine, paused at its first instruction. */
export function createMachine(config: MachineConfig): Result<MachineOwner> {
  const fault = configFault(config)
  if (fault !== null) return userError(fault)
  const layout = layOut(config)
  if (!layout.ok) return layout
  const plan = planArena({
    hartCount: config.cpus,
    codePagesPerHart:
      config.codePagesPerHart ?? Math.min(codePagesMax, Math.floor(codePagesTotal / config.cpus)),
    platformBytes: platformStateBytes(config.cpus, deviceModels(config.devices ?? [])),
    poolBytes: config.poolBytes ?? poolBytesFor(config.memoryBytes),
  })
  if (!plan.ok) return plan
  let memory: WebAssembly.Memory
  try {
    memory = createArenaMemory(plan.value)
  } catch (cause) {
    return worldError(
      `the host gives no address space for ${formatBytes(plan.value.bytes)}; use a smaller --memory`,
      cause,
    )
  }
  const descriptor: MachineDescriptor = {
    memory,
    plan: plan.value,
    slatRoot: takeSlatRoot(new FramePool(viewArena(memory, plan.value))),
    ramBytes: config.memoryBytes,
    pcpuCount: config.pcpus,
    mode: config.boot.kind,
    htif: layout.value.htif,
    lines: config.lines ?? 'live',
    interrupts: interruptsOf(config),
    devices: config.devices ?? [],
    ioBell: config.ioBell,
  }
  const machine = new Machine(descriptor, config)
  for (const { gpa, bytes } of layout.value.placements) {
    if (machine.memory.place(gpa, bytes) !== 'done') {
      return userError('the boot images do not fit in the machine memory set aside; set more aside')
    }
  }
  for (const hart of machine.harts) prepareHart(machine, hart, layout.value)
  const now = config.now()
  machine.setFloat(machineWord.clockBase, now)
  machine.setFloat(machineWord.pausedAt, now)
  machine.setFloat(machineWord.startedAt, now)
  machine.platform.start()
  return ok(new MachineOwner(machine))
}

function interruptsOf({ boot, interrupts }: MachineConfig): InterruptArchitecture {
  return interrupts ?? (boot.kind === 'direct' ? 'aia' : 'plic')
}

function configFault({
  cpus,
  memoryBytes,
  pcpus,
  boot,
  interrupts,
  devices = [],
}: MachineConfig): string | null {
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > hartCountMax) {
    return `a machine has 1 to ${hartCountMax} harts, not ${cpus}; use --cpus 1 to --cpus ${hartCountMax}`
  }
  if (!Number.isInteger(pcpus) || pcpus < 1 || pcpus > cpus)
    return `${cpus} harts run on 1 to ${cpus} pCPUs, not ${pcpus}`
  if (!Number.isInteger(memoryBytes) || memoryBytes % frameBytes !== 0) {
    return `memory comes in whole pages of 4 KiB, not ${memoryBytes} bytes; use a size such as --memory 512MiB`
  }
  if (devices.length > devicesMax) {
    return `a machine has at most ${devicesMax} devices, not ${devices.length}; leave some out`
  }
  if (boot.kind === 'bare' && interrupts === 'aia') {
    return 'a bare machine has no AIA, which its M-mode would need; use --interrupts plic'
  }
  if (memoryBytes < memoryBytesMin) {
    return `${formatBytes(memoryBytes)} of memory is too small for a machine; use --memory 4MiB or more`
  }
  return null
}

function layOut(config: MachineConfig): Result<BootLayout> {
  const { boot, cpus: harts, memoryBytes } = config
  const tree = {
    harts,
    memoryBytes,
    interrupts: interruptsOf(config),
    rngSeed: config.random(rngSeedBytes),
    kaslrSeed: config.random(kaslrSeedBytes),
  }
  if (boot.kind === 'bare') {
    return layOutBareBoot(boot, memoryBytes, createDeviceTree({ ...tree, bootargs: '', boot: 'bare' }))
  }
  return layOutDirectBoot(boot, memoryBytes, (initrd) =>
    createDeviceTree({
      ...tree,
      bootargs: boot.commandLine,
      boot: 'direct',
      ...(initrd === null ? {} : { initrd }),
    }),
  )
}

/** All of RAM, the tables that map it in 4 KiB leaves, and what alignment may cost. */
function poolBytesFor(memoryBytes: number): number {
  const tables = Math.ceil(memoryBytes / largeFrameBytes) + Math.ceil(memoryBytes / 2 ** 30) + 8
  return memoryBytes + tables * frameBytes + largeFrameBytes
}

function prepareHart(machine: Machine, hart: HartBlock, { entry, deviceTree }: BootLayout): void {
  const { plan, slatRoot, mode, interrupts } = machine.descriptor
  const pages = plan.codePages + hart.id * plan.codePagesPerHart * codePage.bytes
  hart.write32('hartId', hart.id)
  const sbi = mode === 'direct' ? hartFlag.sbiByVmm : 0
  hart.write32('flags', sbi | (interrupts === 'aia' ? hartFlag.imsic : 0))
  hart.write32('machine', plan.machineBlock)
  hart.write32('doorbell', hart.doorbell)
  hart.write32('slatRoot', slatRoot)
  hart.write32('codeMap', plan.codeMaps + hart.id * plan.codeMapBytes)
  hart.write32('codePages', pages)
  hart.write32('codePageCount', plan.codePagesPerHart)
  hart.write32('excCause', -1)
  const starts = mode === 'bare' || hart.id === 0
  hart.status = starts ? hartStatus.startPending : hartStatus.stopped
  if (!starts) return
  hart.setRecord64(hartRecord.entry, BigInt(entry))
  hart.setRecord64(hartRecord.opaque, BigInt(deviceTree))
  hart.request(hartRequest.start)
}
