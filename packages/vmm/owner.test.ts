/** A machine from its owner's side: configurations, console, the end, statistics. */

import { defined } from '@virga/base'
import { describe, expect, it } from 'vitest'
import { createMachine } from './create-machine.ts'
import { attachMachine } from './machine.ts'
import { pcpuState } from './machine-block.ts'
import type { MachineOwner } from './owner.ts'
import { flatKernel, messageOf, testConfig, testMachine } from './testing.ts'

const mib = 2 ** 20

describe('a configuration', () => {
  it.each([
    ['no hart', { cpus: 0, pcpus: 1 }, 'a machine has 1 to 64 harts, not 0; use --cpus 1 to --cpus 64'],
    ['65 harts', { cpus: 65 }, 'a machine has 1 to 64 harts, not 65; use --cpus 1 to --cpus 64'],
    ['half a hart', { cpus: 1.5 }, 'a machine has 1 to 64 harts, not 1.5; use --cpus 1 to --cpus 64'],
    ['no pCPU', { pcpus: 0 }, '1 harts run on 1 to 1 pCPUs, not 0'],
    [
      '2 MiB',
      { memoryBytes: 2 * mib },
      '2 MiB of memory is too small for a machine; use --memory 4MiB or more',
    ],
    [
      'an odd size',
      { memoryBytes: 8 * mib + 1 },
      'memory comes in whole pages of 4 KiB, not 8388609 bytes; use a size such as --memory 512MiB',
    ],
    ['not a number', { memoryBytes: Number.NaN }, 'memory comes in whole pages of 4 KiB, not NaN bytes'],
    ['more than an arena', { memoryBytes: 5000 * mib }, 'ask for less memory or fewer harts'],
    [
      'a kernel that is none',
      {
        boot: { kind: 'direct', kernel: new Uint8Array(0), kernelName: '/boot/x', commandLine: '' } as const,
      },
      '/boot/x is empty; give a RISC-V kernel',
    ],
  ])('with %s is refused', (_what, changes, message) => {
    const made = createMachine(testConfig(changes))
    expect(messageOf(made)).toContain(message)
    expect(!made.ok && made.error.fault).toBe('user')
  })

  it.each([
    [1, 4 * mib],
    [64, 64 * mib],
    [2, 2048 * mib],
  ])('of %i harts and %i bytes makes a machine', (cpus, memoryBytes) => {
    expect(createMachine(testConfig({ cpus, memoryBytes })).ok).toBe(true)
  })
})

describe('a new machine', () => {
  it('can be attached to from what structured clone carries', () => {
    const owner = testMachine({ cpus: 3, pcpus: 2 })
    const { memory, ...rest } = owner.descriptor
    const other = attachMachine({ memory, ...structuredClone(rest) }, { now: () => 0, wallClock: () => 0 })
    expect(other.harts).toHaveLength(3)
    other.powerOff(3)
    expect(owner.machine.outcome()).toEqual({ kind: 'power-off', status: 3 })
  })

  it('gives every hart its own code pages and the same SLAT', () => {
    const { machine } = testMachine({ cpus: 3 })
    const words = (name: string) => machine.harts.map((hart) => hart.read32(name) >>> 0)
    expect(new Set(words('codePages')).size).toBe(3)
    expect(new Set(words('codeMap')).size).toBe(3)
    expect(words('slatRoot')).toEqual([0, 1, 2].map(() => machine.descriptor.slatRoot))
    expect(words('hartId')).toEqual([0, 1, 2])
    expect(words('excCause').map((cause) => cause | 0)).toEqual([-1, -1, -1])
  })

  it('holds its boot images, in large leaves where they fill them', () => {
    const kernel = flatKernel((5 * mib) / 4)
    kernel[5 * mib - 1] = 0x77
    const boot = { kind: 'direct', kernel, initrd: new Uint8Array([1, 2, 3]), commandLine: '' } as const
    const owner = testMachine({ memoryBytes: 16 * mib, boot })
    const read = (gpa: number) => {
      const bytes = new Uint8Array(1)
      owner.machine.memory.read(gpa, bytes)
      return bytes[0]
    }
    expect(read(0x8020_0000 + 5 * mib - 1)).toBe(0x77)
    expect(owner.statistics().memory).toMatchObject({ largeLeaves: 2 })
    // The rest of the kernel, the initrd's page, the device tree.
    expect(owner.statistics().memory.smallLeaves).toBeLessThan(256 + 8)
  })
})

describe('the console', () => {
  async function pumped(owner: MachineOwner, wanted: number): Promise<string> {
    let text = ''
    const finished = owner.finished({
      output(bytes) {
        text += new TextDecoder().decode(bytes)
        if (text.length >= wanted) owner.stop()
      },
    })
    // waitAsync alone does not keep Node alive.
    const alive = setInterval(() => undefined, 1000)
    await finished
    clearInterval(alive)
    return text
  }

  it('delivers what was printed before the end', async () => {
    const owner = testMachine()
    owner.machine.console.write(new TextEncoder().encode('last words'))
    owner.machine.powerOff(0)
    let text = ''
    const outcome = await owner.finished({
      output(bytes) {
        text += new TextDecoder().decode(bytes)
      },
    })
    expect(text).toBe('last words')
    expect(outcome).toEqual({ kind: 'power-off', status: 0 })
  })

  it('offers input again when the guest has no room for it', async () => {
    const owner = testMachine()
    const { machine } = owner
    const typed = Array.from({ length: 10_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('')
    const parts = [typed.slice(0, 6000), typed.slice(6000)].map((part) => new TextEncoder().encode(part))
    const arrived = Promise.all(parts.map((part) => owner.input(part)))
    const echo = setInterval(() => {
      for (let i = 0; i < 1500; i++) {
        const byte = machine.console.read()
        if (byte >= 0) machine.console.write(Uint8Array.of(byte))
      }
    }, 1)
    const text = await pumped(owner, typed.length)
    clearInterval(echo)
    expect(text).toBe(typed)
    await arrived
  })
})

describe('a pCPU thread that ends', () => {
  it('is no failure when it left the machine', async () => {
    const owner = testMachine()
    owner.machine.setPcpuState(0, pcpuState.done)
    owner.pcpuExited(0)
    expect(owner.machine.outcome()).toBeNull()
  })

  it('is one when it had not, even before it attached', () => {
    const owner = testMachine({ cpus: 2, pcpus: 2 })
    owner.pcpuExited(1)
    expect(owner.machine.outcome()).toMatchObject({ kind: 'failed' })
  })
})

describe('statistics', () => {
  it('add up over harts, by name', () => {
    const owner = testMachine({ cpus: 2 })
    const hart = (id: number) => defined(owner.machine.hart(id), 'hart')
    hart(0).write64('retired', 1_000_000n)
    hart(1).write64('retired', 5n)
    hart(0).write32('statExceptions', 3, 13)
    hart(1).write32('statExceptions', 4, 13)
    hart(1).write32('statInterrupts', 2, 5)
    hart(1).write32('statTlbMissX', -1)
    const statistics = owner.statistics()
    expect(statistics.instructions).toBe(1_000_005)
    expect(statistics.exceptions).toEqual({ 'load page fault': 7 })
    expect(statistics.interrupts).toEqual({ 'supervisor timer': 2 })
    expect(statistics.tlbMisses.fetch).toBe(2 ** 32 - 1)
    expect(statistics.exits).toEqual({ slice: 0, wfi: 0, sbi: 0 })
    expect(statistics.harts).toHaveLength(2)
  })
})
