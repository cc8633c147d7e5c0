/** SBI calls by registers: what is refused first, then what is done. */

import { defined } from '@virga/base'
import { hartRequest, hartStatus } from '@virga/riscv/hart'
import { describe, expect, it } from 'vitest'
import type { MachineConfig } from '../create-machine.ts'
import { interrupt } from '../hart-block.ts'
import type { Machine } from '../machine.ts'
import { hartRecord } from '../machine-block.ts'
import { ScriptedEngine, testMachine } from '../testing.ts'
import { sbiError } from './call.ts'
import { sbiCallCounts, sbiExtensions, serveSbi } from './dispatch.ts'

const all = (1n << 64n) - 1n
const ram = 0x8000_0000n
const ramBytes = 8n << 20n
const extension = {
  BASE: 0x10n,
  TIME: 0x54494d45n,
  IPI: 0x735049n,
  RFNC: 0x52464e43n,
  HSM: 0x48534dn,
  SRST: 0x53525354n,
  DBCN: 0x4442434en,
  SUSP: 0x53555350n,
  PMU: 0x504d55n,
} as const

/** A machine whose hart 0 is started and makes SBI calls; the others are stopped unless `startAll` is called. */
function caller(changes: Partial<MachineConfig> = {}) {
  const owner = testMachine({ cpus: 4, ...changes })
  const { machine } = owner
  const engine = new ScriptedEngine(machine)
  const hart = (id: number) => defined(machine.hart(id), 'hart')
  hart(0).status = hartStatus.started
  const raw = (id: bigint, functionId: bigint, ...values: bigint[]) => {
    const registers = [...values, ...new Array<bigint>(6 - values.length).fill(0n)]
    registers.forEach((value, i) => {
      hart(0).setX(10 + i, value)
    })
    hart(0).setX(16, functionId)
    hart(0).setX(17, id)
    return serveSbi(machine, hart(0), engine.runtime)
  }
  const call = (name: keyof typeof extension, functionId: number, ...values: bigint[]) => {
    const outcome = raw(extension[name], BigInt(functionId), ...values)
    if (outcome !== 'returned') return outcome
    return [Number(BigInt.asIntN(64, hart(0).x(10))), hart(0).x(11)]
  }
  return { owner, machine, engine, hart, raw, call }
}

const output = (machine: Machine) => new TextDecoder().decode(machine.platform.console.output())
const error = (code: number) => [code, 0n]
const ok = (value = 0n) => [0, value]

describe('an ECALL', () => {
  it.each(Object.keys(extension) as (keyof typeof extension)[])(
    'of a function that %s lacks is not supported',
    (name) => {
      expect(caller().call(name, 0xbad)).toEqual(error(sbiError.notSupported))
    },
  )

  it('of an unknown extension is not supported', () => {
    const { raw, hart } = caller()
    expect(raw(0xb000000n, 0n)).toBe('returned')
    expect(BigInt.asIntN(64, hart(0).x(10))).toBe(-2n)
  })

  it('continues after the instruction and touches a0 and a1 only', () => {
    const { call, hart } = caller()
    hart(0).pc = ram
    for (let i = 1; i < 32; i++) if (i < 10 || i > 17) hart(0).setX(i, BigInt(i) << 40n)
    expect(call('BASE', 0, 1n, 2n, 3n, 4n, 5n, 6n)).toEqual(ok(2n << 24n))
    expect(hart(0).pc).toBe(ram + 4n)
    for (let i = 1; i < 32; i++) if (i < 10 || i > 17) expect(hart(0).x(i)).toBe(BigInt(i) << 40n)
    expect([12, 13, 14, 15].map((i) => hart(0).x(i))).toEqual([3n, 4n, 5n, 6n])
  })

  it('is counted by extension', () => {
    const { call, raw, hart } = caller()
    call('BASE', 0)
    call('BASE', 1)
    call('TIME', 0, 5n)
    raw(0xb000000n, 0n)
    expect(sbiCallCounts(hart(0))).toEqual({ BASE: 2, TIME: 1 })
  })
})

describe('BASE', () => {
  it('says which extensions there are', () => {
    const { call } = caller()
    for (const id of Object.values(extension)) expect(call('BASE', 3, id)).toEqual(ok(1n))
    for (const id of [0x535345n, 0x46574654n, 0xb000000n, 9n]) expect(call('BASE', 3, id)).toEqual(ok(0n))
  })

  it('reports an implementation and zero machine ids', () => {
    const { call } = caller()
    expect(call('BASE', 1)).not.toEqual(ok(0n))
    for (const functionId of [4, 5, 6]) expect(call('BASE', functionId)).toEqual(ok(0n))
  })
})

describe('TIME', () => {
  it('sets the timer and takes a pending interrupt back', () => {
    const { call, hart } = caller()
    hart(0).raise(interrupt.stip)
    expect(call('TIME', 0, 0x1234_5678_9abc_def0n)).toEqual(ok())
    expect(hart(0).read64('stimecmp')).toBe(0x1234_5678_9abc_def0n)
    expect(hart(0).read32('mip')).toBe(0)
  })
})

describe('a hart mask', () => {
  it.each([
    ['a hart above the last', 0b1_0000n, 0n],
    ['a base of no hart', 1n, 4n],
    ['a base of no hart, with an empty mask', 0n, 4n],
    ['one above the last, relative to a base', 0b10n, 3n],
    ['a base that would wrap', 1n, all - 1n],
  ])('is refused when it names %s', (_what, mask, base) => {
    const { call, machine } = caller()
    expect(call('IPI', 0, mask, base)).toEqual(error(sbiError.invalidParam))
    expect(call('RFNC', 0, mask, base)).toEqual(error(sbiError.invalidParam))
    expect(machine.harts.map((hart) => hart.read32('mip'))).toEqual([0, 0, 0, 0])
  })

  it.each([
    ['nobody', 0n, 0n, [0, 0, 0, 0]],
    ['nobody after a base', 0n, 1n, [0, 0, 0, 0]],
    ['some', 0b1010n, 0n, [0, 2, 0, 2]],
    ['some after a base', 0b11n, 2n, [0, 0, 2, 2]],
    ['all by mask', 0b1111n, 0n, [2, 2, 2, 2]],
    ['all by the base of all ones', 0n, all, [2, 2, 2, 2]],
  ])('selects %s', (_what, mask, base, pending) => {
    const { call, machine } = caller()
    expect(call('IPI', 0, mask, base)).toEqual(ok())
    expect(machine.harts.map((hart) => hart.read32('mip'))).toEqual(pending)
  })

  it('reaches hart 63', () => {
    const { call, machine } = caller({ cpus: 64 })
    expect(call('IPI', 0, 1n << 63n, 0n)).toEqual(ok())
    expect(call('IPI', 0, 1n, 62n)).toEqual(ok())
    expect(machine.harts.filter((hart) => hart.read32('mip') !== 0).map((hart) => hart.id)).toEqual([62, 63])
    expect(call('IPI', 0, 0b100n, 62n)).toEqual(error(sbiError.invalidParam))
  })
})

describe('RFENCE', () => {
  it.each([
    [0, hartRequest.fenceI],
    [1, hartRequest.flushTlb],
    [2, hartRequest.flushTlb],
  ])('function %i asks the running harts, and they only', (functionId, request) => {
    const { call, hart, machine } = caller()
    hart(1).status = hartStatus.started
    const before = machine.harts.map((each) => each.requests)
    expect(call('RFNC', functionId, 0b110n, 0n, 0n, all, 5n)).toEqual(ok())
    expect(hart(1).requests).toBe((before[1] ?? 0) | request)
    expect([0, 2, 3].map((id) => hart(id).requests)).toEqual([0, 2, 3].map((id) => before[id]))
    expect(hart(1).read32('attention')).toBe(1)
  })

  it('refuses a range that wraps, and takes every legal one', () => {
    const { call } = caller()
    expect(call('RFNC', 1, 1n, 0n, all, 2n)).toEqual(error(sbiError.invalidAddress))
    for (const [start, size] of [
      [0n, 0n],
      [all, all],
      [all, 1n],
      [0x1000n, 0x1000n],
    ] as const) {
      expect(call('RFNC', 1, 1n, 0n, start, size)).toEqual(ok())
    }
  })

  it('has no hypervisor fences', () => {
    const { call } = caller()
    for (const functionId of [3, 4, 5, 6]) {
      expect(call('RFNC', functionId, 1n, 0n)).toEqual(error(sbiError.notSupported))
    }
  })
})

describe('HSM', () => {
  it.each([
    ['a hart that does not exist', 4n, ram, sbiError.invalidParam],
    ['hart -1', all, ram, sbiError.invalidParam],
    ['itself, which runs', 0n, ram, sbiError.alreadyAvailable],
    ['a suspended hart', 2n, ram, sbiError.alreadyAvailable],
    ['a hart that is being started', 3n, ram, sbiError.alreadyAvailable],
    ['at an address below memory', 1n, 0x1000n, sbiError.invalidAddress],
    ['at the end of memory', 1n, ram + ramBytes, sbiError.invalidAddress],
    ['at -1', 1n, all, sbiError.invalidAddress],
    ['at an odd address', 1n, ram + 1n, sbiError.invalidAddress],
  ])('does not start %s', (_what, id, address, code) => {
    const { call, hart } = caller()
    hart(2).status = hartStatus.suspended
    hart(3).status = hartStatus.startPending
    expect(call('HSM', 0, id, address, 9n)).toEqual(error(code))
    expect(hart(1).status).toBe(hartStatus.stopped)
    expect([0, 1, 2, 3].map((each) => hart(each).record64(hartRecord.opaque) === 9n)).not.toContain(true)
  })

  it('starts a stopped hart once', () => {
    const { call, hart } = caller()
    expect(call('HSM', 2, 1n)).toEqual(ok(BigInt(hartStatus.stopped)))
    expect(call('HSM', 0, 1n, ram + 0x100n, 77n)).toEqual(ok())
    expect(call('HSM', 0, 1n, ram + 0x200n, 78n)).toEqual(error(sbiError.alreadyAvailable))
    expect(call('HSM', 2, 1n)).toEqual(ok(BigInt(hartStatus.startPending)))
    expect([hart(1).record64(hartRecord.entry), hart(1).record64(hartRecord.opaque)]).toEqual([
      ram + 0x100n,
      77n,
    ])
    expect(hart(1).requests & hartRequest.start).not.toBe(0)
  })

  it('stops the caller without return', () => {
    const { call, hart } = caller()
    expect(call('HSM', 1)).toBe('gone')
    expect(hart(0).status).toBe(hartStatus.stopped)
  })

  it('refuses the status of a hart that does not exist', () => {
    const { call } = caller()
    expect(call('HSM', 2, 4n)).toEqual(error(sbiError.invalidParam))
    expect(call('HSM', 2, all)).toEqual(error(sbiError.invalidParam))
  })

  it.each([
    ['a reserved retentive type', 1n, ram, sbiError.invalidParam],
    ['a platform type', 0x1000_0000n, ram, sbiError.invalidParam],
    ['a reserved non-retentive type', 0x8000_0001n, ram, sbiError.invalidParam],
    ['a non-retentive suspend to nowhere', 0x8000_0000n, 0n, sbiError.invalidAddress],
  ])('does not suspend: %s', (_what, type, address, code) => {
    const { call, hart } = caller()
    expect(call('HSM', 3, type, address)).toEqual(error(code))
    expect(hart(0).status).toBe(hartStatus.started)
  })

  it.each([0n, 1n << 63n])('suspends retentively, upper bits of the type ignored (%i)', (bits) => {
    const { call, hart } = caller()
    expect(call('HSM', 3, bits, 1n, 0n)).toBe('suspended')
    expect(hart(0).status).toBe(hartStatus.suspended)
    expect(hart(0).record(hartRecord.resumeAtEntry)).toBe(0)
    expect([hart(0).x(10), hart(0).x(11)]).toEqual([0n, 0n])
  })

  it('suspends without retention', () => {
    const { call, hart } = caller()
    expect(call('HSM', 3, (1n << 63n) | 0x8000_0000n, ram + 8n, 5n)).toBe('suspended')
    expect(hart(0).record(hartRecord.resumeAtEntry)).toBe(1)
    expect([hart(0).record64(hartRecord.entry), hart(0).record64(hartRecord.opaque)]).toEqual([ram + 8n, 5n])
  })
})

describe('SUSP', () => {
  it.each([
    ['a reserved type', 1n, ram, sbiError.invalidParam],
    ['a platform type', 0x8000_0000n, ram, sbiError.invalidParam],
    ['a bad address', 0n, ram + ramBytes, sbiError.invalidAddress],
  ])('refuses %s', (_what, type, address, code) => {
    expect(caller().call('SUSP', 0, type, address, 0n)).toEqual(error(code))
  })

  it('is denied while another hart is not stopped', () => {
    const { call, hart } = caller()
    for (const status of [hartStatus.started, hartStatus.suspended, hartStatus.startPending]) {
      hart(2).status = status
      expect(call('SUSP', 0, 0n, ram, 0n)).toEqual(error(sbiError.denied))
    }
  })

  it('suspends the machine, upper bits of the type ignored', () => {
    const { call, hart } = caller()
    expect(call('SUSP', 0, 1n << 32n, ram + 0x40n, 3n)).toBe('suspended')
    expect(hart(0).record(hartRecord.resumeAtEntry)).toBe(1)
    expect(hart(0).record64(hartRecord.entry)).toBe(ram + 0x40n)
  })
})

describe('SRST', () => {
  it.each([
    ['a reserved type', 3n, 0n],
    ['a vendor type', 0xf000_0000n, 0n],
    ['a reserved reason', 0n, 2n],
    ['an implementation reason', 0n, 0xe000_0000n],
  ])('refuses %s', (_what, type, reason) => {
    const { call, machine } = caller()
    expect(call('SRST', 0, type, reason)).toEqual(error(sbiError.invalidParam))
    expect(machine.outcome()).toBeNull()
  })

  it.each([
    ['shutdown', 0n, 0n, { kind: 'power-off', status: 0 }],
    ['shutdown after a failure', 0n, 1n, { kind: 'power-off', status: 1 }],
    ['cold reboot', 1n, 0n, { kind: 'reboot' }],
    ['warm reboot', 2n, 0n, { kind: 'reboot' }],
    ['shutdown with upper bits', 1n << 32n, 1n << 40n, { kind: 'power-off', status: 0 }],
  ])('ends the machine by %s', (_what, type, reason, outcome) => {
    const { call, machine } = caller()
    expect(call('SRST', 0, type, reason)).toBe('gone')
    expect(machine.outcome()).toEqual(outcome)
  })

  it('keeps the first end', () => {
    const { call, machine } = caller()
    call('SRST', 0, 1n)
    call('SRST', 0, 0n)
    expect(machine.outcome()).toEqual({ kind: 'reboot' })
  })
})

describe('DBCN', () => {
  it.each([
    ['below memory', 1n, 0x1000n, 0n],
    ['at the end of memory', 1n, ram + ramBytes, 0n],
    ['across the end of memory', 2n, ram + ramBytes - 1n, 0n],
    ['with an upper half', 1n, ram, 1n],
    ['of a huge count', all, ram, 0n],
    ['at -1', 1n, all, 0n],
  ])('refuses a buffer %s', (_what, count, low, high) => {
    const { call, machine } = caller()
    expect(call('DBCN', 0, count, low, high)).toEqual(error(sbiError.invalidParam))
    expect(call('DBCN', 1, count, low, high)).toEqual(error(sbiError.invalidParam))
    expect(output(machine)).toBe('')
  })

  it('writes a buffer that crosses a page', () => {
    const { call, machine } = caller()
    machine.memory.write(Number(ram) + 0x10_0ffa, new TextEncoder().encode('hello, world\n'))
    expect(call('DBCN', 0, 13n, ram + 0x10_0ffan, 0n)).toEqual(ok(13n))
    expect(output(machine)).toBe('hello, world\n')
  })

  it('writes part of a long buffer and says how much', () => {
    const { call, machine } = caller()
    expect(call('DBCN', 0, 100_000n, ram, 0n)).toEqual(ok(4096n))
    expect(machine.platform.console.output()).toHaveLength(4096)
  })

  it('writes nothing of an empty buffer, and one byte of a word', () => {
    const { call, machine } = caller()
    expect(call('DBCN', 0, 0n, ram, 0n)).toEqual(ok(0n))
    expect(call('DBCN', 2, 0x64636261n)).toEqual(ok(0n))
    expect(output(machine)).toBe('a')
  })

  it('keeps off the UART while its driver programs or tests it', () => {
    const { call, machine } = caller()
    const { bus } = machine.platform
    const uart = 0x1000_0000
    for (const [offset, value] of [
      [3, 0x83],
      [4, 0x10],
    ] as const) {
      bus.store(uart + offset, 1, value)
      expect(call('DBCN', 0, 4n, ram, 0n)).toEqual(ok(0n))
      expect(call('DBCN', 1, 4n, ram, 0n)).toEqual(ok(0n))
      bus.store(uart + offset, 1, 3)
    }
    expect(output(machine)).toBe('')
    expect(call('DBCN', 0, 4n, ram, 0n)).toEqual(ok(4n))
  })

  it('reads what was typed, and nothing when nothing was', () => {
    const { call, machine } = caller()
    expect(call('DBCN', 1, 16n, ram + 0x10_0ff0n, 0n)).toEqual(ok(0n))
    machine.platform.console.input(new TextEncoder().encode('ls\r'))
    expect(call('DBCN', 1, 2n, ram + 0x10_0fffn, 0n)).toEqual(ok(2n))
    expect(call('DBCN', 1, 16n, ram + 0x10_1001n, 0n)).toEqual(ok(1n))
    const read = new Uint8Array(3)
    machine.memory.read(Number(ram) + 0x10_0fff, read)
    expect(new TextDecoder().decode(read)).toBe('ls\r')
  })
})

describe('the legacy calls', () => {
  it('put and get characters, and leave a1 alone', () => {
    const { raw, hart, machine } = caller()
    raw(1n, 0n, 0x41n, 99n)
    expect([hart(0).x(10), hart(0).x(11)]).toEqual([0n, 99n])
    expect(output(machine)).toBe('A')
    raw(2n, 0n)
    expect(BigInt.asIntN(64, hart(0).x(10))).toBe(-1n)
    machine.platform.console.input(Uint8Array.of(0x7a))
    raw(2n, 0n)
    expect(hart(0).x(10)).toBe(0x7an)
  })

  it('shut down', () => {
    const { raw, machine } = caller()
    expect(raw(8n, 0n)).toBe('gone')
    expect(machine.outcome()).toEqual({ kind: 'power-off', status: 0 })
  })
})

describe('PMU', () => {
  const cycles = 1n
  const instructions = 2n
  const setTimerEvent = 0xf_0005n
  const ipiSentEvent = 0xf_0006n

  it('describes its counters, and not the time', () => {
    const { call } = caller()
    expect(call('PMU', 0)).toEqual(ok(19n))
    expect(call('PMU', 1, 0n)).toEqual(ok(0xc00n | (63n << 12n)))
    expect(call('PMU', 1, 2n)).toEqual(ok(0xc02n | (63n << 12n)))
    expect(call('PMU', 1, 3n)).toEqual(ok(1n << 63n))
    expect(call('PMU', 1, 1n)).toEqual(error(sbiError.invalidParam))
    expect(call('PMU', 1, 19n)).toEqual(error(sbiError.invalidParam))
  })

  it.each([
    ['time', 0n, 0b10n],
    ['one past the last', 0n, 1n << 19n],
    ['nothing', 0n, 0n],
    ['a far base', all, 1n],
  ])('refuses a set with %s in it', (_what, base, mask) => {
    const { call } = caller()
    expect(call('PMU', 2, base, mask, 0n, cycles, 0n)).toEqual(error(sbiError.invalidParam))
    expect(call('PMU', 3, base, mask, 0n, 0n)).toEqual(error(sbiError.invalidParam))
    expect(call('PMU', 4, base, mask, 0n)).toEqual(error(sbiError.invalidParam))
  })

  it.each([
    ['cache misses', 4n, 0n],
    ['a cache event', 0x1_0000n, 0n],
    ['a raw event', 0x2_0000n, 5n],
    ['a firmware event that never happens here', 0xf_000en, 0n],
    ['cycles with data', cycles, 1n],
  ])('has no counter for %s', (_what, event, data) => {
    expect(caller().call('PMU', 2, 0n, 0b1_1111_1101n, 0n, event, data)).toEqual(error(sbiError.notSupported))
  })

  it('starts and stops the hardware counters through mcountinhibit', () => {
    const { call, engine } = caller()
    expect(call('PMU', 2, 0n, 0b101n, 0n, instructions, 0n)).toEqual(ok(2n))
    expect(call('PMU', 3, 0n, 0b100n, 0n, 0n)).toEqual(error(sbiError.alreadyStarted))
    expect(call('PMU', 4, 0n, 0b101n, 0n)).toEqual(ok())
    expect(engine.csrs.get(0x320)).toBe(0b101n)
    expect(call('PMU', 4, 2n, 0b1n, 0n)).toEqual(error(sbiError.alreadyStopped))
    expect(call('PMU', 3, 2n, 0b1n, 1n, 1234n)).toEqual(ok())
    expect(engine.csrs.get(0x320)).toBe(0b001n)
    expect(engine.csrs.get(0xb02)).toBe(1234n)
  })

  it('counts firmware events from a value on, while started', () => {
    const { call } = caller()
    const set = 0b11000n
    expect(call('PMU', 2, 0n, set, 2n, setTimerEvent, 0n)).toEqual(ok(3n))
    call('TIME', 0, 1n)
    expect(call('PMU', 5, 3n)).toEqual(ok(0n))
    expect(call('PMU', 3, 3n, 1n, 1n, 100n)).toEqual(ok())
    expect(call('PMU', 2, 0n, set, 6n, ipiSentEvent, 0n)).toEqual(ok(4n))
    call('TIME', 0, 1n)
    call('TIME', 0, 1n)
    call('IPI', 0, 0b111n, 0n)
    expect(call('PMU', 5, 3n)).toEqual(ok(102n))
    expect(call('PMU', 5, 4n)).toEqual(ok(3n))
    expect(call('PMU', 6, 4n)).toEqual(ok(0n))
    expect(call('PMU', 4, 3n, 0b11n, 0n)).toEqual(ok())
    call('TIME', 0, 1n)
    expect(call('PMU', 5, 3n)).toEqual(ok(102n))
    expect(call('PMU', 3, 3n, 1n, 0n, 0n)).toEqual(ok())
    call('TIME', 0, 1n)
    expect(call('PMU', 5, 3n)).toEqual(ok(103n))
  })

  it('reads firmware counters only, and has no shared memory', () => {
    const { call } = caller()
    for (const functionId of [5, 6]) {
      expect(call('PMU', functionId, 0n)).toEqual(error(sbiError.invalidParam))
      expect(call('PMU', functionId, 19n)).toEqual(error(sbiError.invalidParam))
    }
    expect(call('PMU', 3, 3n, 1n, 2n, 0n)).toEqual(error(sbiError.noSharedMemory))
    expect(call('PMU', 4, 3n, 1n, 2n)).toEqual(error(sbiError.noSharedMemory))
    expect(call('PMU', 7, ram, 0n, 0n)).toEqual(error(sbiError.notSupported))
  })
})

describe('the table of extensions', () => {
  it('fits the words that statistics have for it, each id once', () => {
    expect(sbiExtensions.length * 4).toBeLessThanOrEqual(hartRecord.firmwareEvents - hartRecord.sbiCalls)
    expect(new Set(sbiExtensions.map(({ id }) => id)).size).toBe(sbiExtensions.length)
  })
})
