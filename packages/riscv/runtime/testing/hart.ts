/** One hart on the built runtime.wasm, and what tests do with it and see of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codePage, hartPart, tlbEntries } from '../../hart/layout.ts'
import { arenaPages, at, codeSlots, hartState, makeSlat, ramBase } from './arena.ts'

export { codeSlots, kernelLeaf, pte, ramBase, userLeaf } from './arena.ts'

/** The outcome of an access: the value, or the exception raised. */
export type Outcome = { readonly value: bigint } | { readonly cause: number; readonly tval: bigint }

/** What a test's device sees. `value` is stored data, absent for a load. */
export interface DeviceAccess {
  readonly address: number
  readonly bytes: number
  readonly value?: bigint
}

type Runtime = Record<string, (...values: (number | bigint)[]) => number | bigint | undefined>
type State = ReturnType<typeof hartState>

const wasm = new WebAssembly.Module(readFileSync(join(import.meta.dirname, '../../dist/runtime.wasm')))

/** What the runtime asks of the VMM, with the answers that a test chooses. */
function makeHost({ get, set }: State) {
  const devices: DeviceAccess[] = []
  const answers = {
    /** what `time` reads */
    ticks: 0,
    /** what a device answers to a load; undefined: access fault */
    deviceValue: 0n as bigint | undefined,
    /** the pages that the VMM was asked to back */
    slatFaults: [] as { address: number; write: number }[],
    /** and its answer: 0 mapped, 1 no memory */
    slatFault: (_address: number, _write: number) => 1,
  }
  const imports = {
    clock: () => answers.ticks,
    slat_fault: (_hart: number, address: number, write: number) => {
      answers.slatFaults.push({ address, write })
      return answers.slatFault(address, write)
    },
    mmio: (_hart: number, address: number, log2: number, write: number) => {
      if (answers.deviceValue === undefined) return 1
      const bytes = 1 << log2
      if (write !== 0) devices.push({ address, bytes, value: get('mmioValue') })
      else {
        devices.push({ address, bytes })
        set('mmioValue', answers.deviceValue)
      }
      return 0
    },
  }
  return { devices, answers, imports }
}

/** The runtime's functions, called for the hart. */
function makeCalls(runtime: Runtime, { get, set }: State) {
  function call(name: string, ...values: (number | bigint)[]): number | bigint {
    const entry = runtime[name]
    if (entry === undefined) throw new Error(`no export ${name}`)
    return entry(at.hart, ...values) ?? 0
  }
  /** Runs `action`; an exception it raises becomes the outcome and is cleared. */
  function outcome(action: () => number | bigint): Outcome {
    const value = BigInt.asUintN(64, BigInt(action()))
    const cause = Number(get('excCause'))
    if (cause < 0) return { value }
    set('excCause', -1)
    return { cause, tval: get('excTval') }
  }
  const attempt = (name: string, ...values: (number | bigint)[]) => outcome(() => call(name, ...values))
  return {
    call,
    outcome,
    load: (addr: bigint, bytes = 8) => attempt('load_slow', addr, Math.log2(bytes)),
    store: (addr: bigint, value: bigint, bytes = 8) => attempt('store_slow', addr, value, Math.log2(bytes)),
    fetch: (pc: bigint) => attempt('fetch_slow', pc),
    atomic: (addr: bigint, bytes: number, write: 0 | 1) =>
      attempt('atomic_slow', addr, Math.log2(bytes), write),
    csrRead: (number: number) => attempt('csr', number, 1, 0n, 1),
    csrWrite: (number: number, value: bigint) => attempt('csr', number, 0, value, 3),
    csrSet: (number: number, value: bigint) => attempt('csr', number, 1, value, 3),
    csrClear: (number: number, value: bigint) => attempt('csr', number, 2, value, 3),
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
  }
}

/** What generated code finds in TLB `array` for an access of `bytes`: the address, or undefined. */
function makeProbe(view: DataView, { get }: State) {
  const parts = { r: hartPart.tlbR, w: hartPart.tlbW, x: hartPart.tlbX }
  return (array: 'r' | 'w' | 'x', addr: bigint, bytes = 1): number | undefined => {
    const unsigned = BigInt.asUintN(64, addr)
    const index = Number((unsigned >> 12n) & BigInt(tlbEntries[array] - 1))
    const entry = at.hart + parts[array] + index * 16
    const field = array === 'x' ? 'ctxFetch' : 'ctxData'
    const last = BigInt.asIntN(64, addr + BigInt(bytes - 1))
    const tag = BigInt.asUintN(64, ((last >> 12n) & get(`${field}Mask`)) + get(field))
    if (view.getBigUint64(entry, true) !== tag) return undefined
    const value = view.getInt32(entry + 8, true)
    return array === 'x' ? value : (Number(BigInt.asIntN(32, addr)) + value) >>> 0
  }
}

/** Makes a hart after reset: M-mode, translation off, PMP off. */
export function makeHart() {
  const memory = new WebAssembly.Memory({ initial: arenaPages, maximum: arenaPages, shared: true })
  const view = new DataView(memory.buffer)
  const state = hartState(view)
  const { devices, answers, imports } = makeHost(state)
  const instance = new WebAssembly.Instance(wasm, { env: { memory }, host: imports })
  const calls = makeCalls(instance.exports as unknown as Runtime, state)
  const slat = makeSlat(view)
  state.set('machine', at.slat)
  state.set('slatRoot', at.slat)
  state.set('codeMap', at.codeMap)
  state.set('codePages', at.codePages)
  state.set('codePageCount', codeSlots)
  state.set('hartId', 7)
  calls.call('hart_init')

  /** Arena address of guest-physical `gpa` in memory. */
  const arenaOf = (gpa: number) => slat.frameOf((gpa - ramBase) >>> 12) + (gpa & 0xfff)
  return {
    ...state,
    ...calls,
    view,
    slat,
    devices,
    host: answers,
    probe: makeProbe(view, state),
    arenaOf,
    u8: (gpa: number) => view.getUint8(arenaOf(gpa)),
    read: (gpa: number) => view.getBigUint64(arenaOf(gpa), true),
    write: (gpa: number, value: bigint) => view.setBigUint64(arenaOf(gpa), BigInt.asUintN(64, value), true),
    codePages: { at: at.codePages, layout: codePage, mapAt: at.codeMap },
  }
}

/** A hart and everything about it. */
export type TestHart = ReturnType<typeof makeHart>
