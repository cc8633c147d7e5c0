/**
 * What the engine calls back for: the clock, first touches of guest memory, devices.
 * Why here: these are the three places where guest code reaches JavaScript; everything else stays in WebAssembly.
 * Invariants: none of them throws for anything a guest does, and none waits for another hart.
 */

import { defined } from '@virga/base'
import { type EngineHost, hartOffset } from '@virga/riscv/hart'
import type { Machine } from './machine.ts'
import { outOfFrames } from './outcome.ts'

const mmioValue = defined(hartOffset.mmioValue, 'mmioValue')
const widths = [1, 2, 4, 8] as const
const lowMasks = { 1: 0xff, 2: 0xffff, 4: -1, 8: -1 } as const

/** The callbacks of one thread's engine for `machine`. */
export function hostCalls(machine: Machine): EngineHost {
  const { memory, slat } = machine
  const { i32 } = machine.arena
  const { bus } = machine.platform

  function load(value: number, gpa: number, bytes: 1 | 2 | 4 | 8): boolean {
    if (!bus.load(gpa, bytes)) return false
    i32[value] = bus.low
    i32[value + 1] = bus.high
    return true
  }

  function store(value: number, gpa: number, bytes: 1 | 2 | 4 | 8): boolean {
    const low = (defined(i32[value], 'mmioValue') & lowMasks[bytes]) >>> 0
    const high = bytes === 8 ? defined(i32[value + 1], 'mmioValue') >>> 0 : 0
    if (!bus.store(gpa, bytes, low, high)) return false
    machine.obeyFinisher()
    return true
  }

  return {
    clock() {
      const ticks = machine.ticks()
      const { alarm } = machine
      if (alarm !== null && ticks >= alarm.due) {
        machine.alarm = null
        alarm.hart.endSlice()
      }
      return ticks
    },
    slatFault(_hart, gpa, _write) {
      if (!memory.contains(gpa, 1)) return 1
      if (slat.touch(gpa) !== 0) return 0
      machine.fail(outOfFrames)
      return 1
    },
    mmio(hart, gpa, log2, write) {
      const value = ((hart >>> 0) + mmioValue) >>> 2
      const bytes = widths[log2] ?? 8
      return (write === 0 ? load(value, gpa, bytes) : store(value, gpa, bytes)) ? 0 : 1
    },
  }
}
