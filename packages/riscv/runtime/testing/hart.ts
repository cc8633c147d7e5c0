/**
 * One hart on the built runtime.wasm, in a small arena made by hand: guest memory of 4 MiB at 0x8000_0000 behind a
 * SLAT whose frames are not in order, so that a forgotten translation shows.
 *
 * ```
 *  0x010000 hart block     0x020000 code map      0x030000 decoded pages
 *  0x080000 SLAT tables    0x100000 guest memory  (guest page n is frame n XOR 1)
 * ```
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codePage, hartFields, hartOffset, hartPart, tlbEntries } from '../../hart/layout.ts'

const arenaPages = 96
const hartAt = 0x10000
const codeMapAt = 0x20000
const codePagesAt = 0x30000
const slatAt = 0x80000
const ramAt = 0x100000

/** Where guest memory is, in guest-physical addresses. */
export const ramBase = 0x8000_0000
const ramPages = 1024
/** Decoded page slots: few, so that tests see them evicted. */
export const codeSlots = 8

/** Page table entry bits. */
export const pte = { V: 1n, R: 2n, W: 4n, X: 8n, U: 16n, G: 32n, A: 64n, D: 128n, N: 1n << 63n, PBMT: 1n << 61n }
/** A leaf that a kernel can read, write and execute, already accessed and dirty. */
export const kernelLeaf = pte.V | pte.R | pte.W | pte.X | pte.A | pte.D
/** The same for user programs. */
export const userLeaf = kernelLeaf | pte.U
const slatLeaf = kernelLeaf | pte.U

/** The outcome of an access: the value, or the exception raised. */
export type Outcome = { readonly value: bigint } | { readonly cause: number; readonly tval: bigint }

/** What a test's device sees. `value` is stored data, or absent for a load. */
export interface DeviceAccess {
  readonly address: number
  readonly bytes: number
  readonly value?: bigint
}

type Runtime = Record<string, (...values: (number | bigint)[]) => number | bigint>

const wasm = new WebAssembly.Module(readFileSync(join(import.meta.dirname, '../../dist/runtime.wasm')))
const fieldTypes = new Map(hartFields.map((field) => [field.name, field.type]))

/** Makes a hart after reset: M-mode, translation off, PMP off. */
export function makeHart() {
  const memory = new WebAssembly.Memory({ initial: arenaPages, maximum: arenaPages, shared: true })
  const view = new DataView(memory.buffer)
  const devices: DeviceAccess[] = []
  const host = {
    ticks: 0,
    /** what a device answers to a load; undefined: access fault */
    deviceValue: 0n as bigint | undefined,
    /** addresses that the VMM was asked to back, and its answer: 0 mapped, 1 no memory */
    slatFaults: [] as { address: number; write: number }[],
    slatFault: (_address: number, _write: number) => 1,
  }
  const instance = new WebAssembly.Instance(wasm, {
    env: { memory },
    host: {
      clock: () => host.ticks,
      slat_fault: (_hart: number, address: number, write: number) => {
        host.slatFaults.push({ address, write })
        return host.slatFault(address, write)
      },
      mmio: (_hart: number, address: number, log2: number, write: number) => {
        if (host.deviceValue === undefined) return 1
        const bytes = 1 << log2
        if (write !== 0) devices.push({ address, bytes, value: get('mmioValue') })
        else devices.push({ address, bytes })
        if (write === 0) set('mmioValue', host.deviceValue)
        return 0
      },
    },
  })
  const runtime = instance.exports as unknown as Runtime

  function offsetOf(name: string, index: number): number {
    const offset = hartOffset[name]
    if (offset === undefined) throw new Error(`no field ${name}`)
    return hartAt + offset + index * (fieldTypes.get(name) === 'i64' ? 8 : 4)
  }
  function get(name: string, index = 0): bigint {
    const at = offsetOf(name, index)
    return fieldTypes.get(name) === 'i64' ? view.getBigUint64(at, true) : BigInt(view.getInt32(at, true))
  }
  function set(name: string, value: bigint | number, index = 0): void {
    const at = offsetOf(name, index)
    if (fieldTypes.get(name) === 'i64') view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true)
    else view.setInt32(at, Number(value), true)
  }
  function call(name: string, ...values: (number | bigint)[]): number | bigint {
    const entry = runtime[name]
    if (entry === undefined) throw new Error(`no export ${name}`)
    return entry(hartAt, ...values)
  }
  /** Runs `action`; an exception it raises becomes the outcome and is cleared. */
  function outcome(action: () => number | bigint): Outcome {
    const value = BigInt.asUintN(64, BigInt(action() ?? 0))
    const cause = Number(get('excCause'))
    if (cause < 0) return { value }
    set('excCause', -1)
    return { cause, tval: get('excTval') }
  }

  const slat = makeSlat(view)
  set('machine', slatAt)
  set('slatRoot', slatAt)
  set('codeMap', codeMapAt)
  set('codePages', codePagesAt)
  set('codePageCount', codeSlots)
  set('hartId', 7)
  call('hart_init')

  /** Arena address of guest-physical `gpa` in memory. */
  const arenaOf = (gpa: number) => slat.frameOf((gpa - ramBase) >>> 12) + (gpa & 0xfff)

  return {
    view, memory, runtime,
    host,
    devices,
    slat,
    get,
    set,
    call,
    outcome,
    arenaOf,
    u8: (gpa: number) => view.getUint8(arenaOf(gpa)),
    read: (gpa: number) => view.getBigUint64(arenaOf(gpa), true),
    write: (gpa: number, value: bigint) => view.setBigUint64(arenaOf(gpa), BigInt.asUintN(64, value), true),
    load: (addr: bigint, bytes = 8) => outcome(() => call('load_slow', addr, Math.log2(bytes))),
    store: (addr: bigint, value: bigint, bytes = 8) => outcome(() => call('store_slow', addr, value, Math.log2(bytes))),
    fetch: (pc: bigint) => outcome(() => call('fetch_slow', pc)),
    atomic: (addr: bigint, bytes: number, write: 0 | 1) => outcome(() => call('atomic_slow', addr, Math.log2(bytes), write)),
    csrRead: (number: number) => outcome(() => call('csr', number, 1, 0n, 1)),
    csrWrite: (number: number, value: bigint) => outcome(() => call('csr', number, 0, value, 3)),
    csrSet: (number: number, value: bigint) => outcome(() => call('csr', number, 1, value, 3)),
    csrClear: (number: number, value: bigint) => outcome(() => call('csr', number, 2, value, 3)),
    /** Raises `cause` at `pc` and takes it. */
    except(cause: number, pc: bigint, tval = 0n): void {
      set('pc', pc)
      set('excCause', cause)
      set('excTval', tval)
      call('trap')
    },
    /** Gives everyone access to everything through PMP entry 0. */
    openPmp(): void {
      set('pmpaddr', (1n << 54n) - 1n)
      set('pmpcfg', 0x1f)
      call('flush_all')
    },
    /** Continues in privilege `prv`, as an xret would. */
    become(prv: 0 | 1 | 3): void {
      set('prv', prv)
      call('enter')
    },
    /** What generated code finds in TLB `array` for an aligned access of `bytes`: the value, or undefined. */
    probe(array: 'r' | 'w' | 'x', addr: bigint, bytes = 1): number | undefined {
      const part = { r: hartPart.tlbR, w: hartPart.tlbW, x: hartPart.tlbX }[array]
      const entry = hartAt + part + (Number(BigInt.asUintN(64, addr) >> 12n & 0xffffn) & (tlbEntries[array] - 1)) * 16
      const field = array === 'x' ? 'ctxFetch' : 'ctxData'
      const context = get(field) ^ (BigInt.asIntN(64, addr) < 0n ? get(`${field}Upper`) : 0n)
      const wanted = (BigInt.asUintN(64, addr) & (0xffff_ffff_ffff_f000n | BigInt(bytes - 1))) | context
      if (view.getBigUint64(entry, true) !== wanted) return undefined
      const value = view.getInt32(entry + 8, true)
      return array === 'x' ? value : (Number(BigInt.asIntN(32, addr)) + value) >>> 0
    },
    codePages: { at: codePagesAt, layout: codePage, mapAt: codeMapAt },
  }
}

/** A hart and everything about it. */
export type TestHart = ReturnType<typeof makeHart>

/** Maps guest memory by 4 KiB leaves; entries can be changed afterwards. */
function makeSlat(view: DataView) {
  const [root, second, third, leaves] = [slatAt, slatAt + 0x4000, slatAt + 0x5000, slatAt + 0x6000]
  const pointer = (table: number) => BigInt(((table >>> 12) << 10) | 1)
  const frameOf = (page: number) => ramAt + (page ^ 1) * 4096
  view.setBigUint64(root, pointer(second), true)
  view.setBigUint64(second + (ramBase / 2 ** 30) * 8, pointer(third), true)
  for (let table = 0; table < ramPages / 512; table++) {
    view.setBigUint64(third + table * 8, pointer(leaves + table * 4096), true)
  }
  const slotOf = (gpa: number) => leaves + ((gpa - ramBase) >>> 12) * 8
  const leafOf = (page: number, bits: bigint) => (BigInt(frameOf(page)) >> 2n) | bits
  for (let page = 0; page < ramPages; page++) view.setBigUint64(leaves + page * 8, leafOf(page, slatLeaf), true)
  return {
    frameOf,
    /** The SLAT leaf of `gpa`. */
    get: (gpa: number) => view.getBigUint64(slotOf(gpa), true),
    /** Maps the page of `gpa` with these bits; 0n unmaps it. */
    set(gpa: number, bits: bigint): void {
      view.setBigUint64(slotOf(gpa), bits === 0n ? 0n : leafOf((gpa - ramBase) >>> 12, bits), true)
    },
    /** Makes the 2 MiB at `gpa` one leaf on arena address `arena`. */
    setLarge(gpa: number, arena: number, bits: bigint): void {
      view.setBigUint64(third + ((gpa - ramBase) >>> 21) * 8, (BigInt(arena) >> 2n) | bits, true)
    },
  }
}
