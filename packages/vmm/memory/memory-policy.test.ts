/** Targets over random lives of a pool, and who pays first. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { admitMachine, commandMemory, type MachineMemory, memoryTargets } from './memory-policy.ts'

const mib = 2 ** 20
const usual: MachineMemory = {
  name: 'a',
  minimumBytes: 128 * mib,
  maximumBytes: 512 * mib,
  wantedBytes: 512 * mib,
  targetBytes: 512 * mib,
  heldBytes: 512 * mib,
  share: 100,
  balloon: 'present',
}

/** Balloons that have reached their targets. */
function obeyed(
  machines: readonly MachineMemory[],
  targets: ReturnType<typeof memoryTargets>,
): MachineMemory[] {
  return machines.map((machine) => {
    const targetBytes = targets.find(({ name }) => name === machine.name)?.targetBytes ?? machine.targetBytes
    return { ...machine, targetBytes, heldBytes: Math.min(machine.heldBytes, targetBytes) }
  })
}

function freeOf(totalBytes: number, machines: readonly MachineMemory[]): number {
  return totalBytes - machines.reduce((sum, machine) => sum + machine.heldBytes, 0)
}

const crowds = fc
  .array(
    fc
      .record({
        minimum: fc.integer({ min: 1, max: 60 }),
        more: fc.nat(200),
        wanted: fc.nat(200),
        target: fc.nat(200),
        held: fc.nat(260),
        share: fc.constantFrom(50, 100, 400),
        idle: fc.nat(100),
      })
      .map(({ minimum, more, wanted, target, held, share, idle }): MachineMemory => {
        const minimumBytes = minimum * mib
        const targetBytes = minimumBytes + Math.min(target, more) * mib
        return {
          ...usual,
          minimumBytes,
          maximumBytes: minimumBytes + more * mib,
          wantedBytes: minimumBytes + Math.min(wanted, more) * mib,
          targetBytes,
          heldBytes: Math.min(held * mib, targetBytes),
          idleBytes: idle * mib,
          share,
        }
      }),
    { minLength: 1, maxLength: 8 },
  )
  .map((machines) => machines.map((machine, index) => ({ ...machine, name: `m${index}` })))

it('refuses a start that all balloons together cannot serve, with the figures', () => {
  const start = {
    ...usual,
    name: 'b',
    minimumBytes: 900 * mib,
    maximumBytes: 1024 * mib,
    wantedBytes: 1024 * mib,
  }
  const refused = admitMachine({ totalBytes: 1024 * mib, freeBytes: 500 * mib }, [usual], start)
  expect(refused).toMatchObject({
    ok: false,
    error: {
      fault: 'user',
      message:
        'b needs at least 900 MiB: 500 MiB of 1024 MiB are free, and balloons can give back 384 MiB more; stop a machine, or ask for less memory',
    },
  })
  expect(commandMemory(usual, 100 * mib).ok).toBe(false)
  expect(commandMemory(usual, Number.NaN).ok).toBe(false)
})

it('admits what balloons make room for', () => {
  const start = {
    ...usual,
    name: 'b',
    minimumBytes: 600 * mib,
    maximumBytes: 600 * mib,
    wantedBytes: 600 * mib,
  }
  const admitted = admitMachine({ totalBytes: 1024 * mib, freeBytes: 500 * mib }, [usual], start)
  expect(admitted).toEqual({
    ok: true,
    value: { targetBytes: 600 * mib, others: [{ name: 'a', targetBytes: 412 * mib }] },
  })
})

it('takes from who has fewest shares a frame, and idle memory before that', () => {
  const pool = { totalBytes: 1000 * mib, freeBytes: 0 }
  const machines = [usual, { ...usual, name: 'b', share: 200 }]
  expect(memoryTargets(pool, machines)).toEqual([{ name: 'a', targetBytes: 432 * mib }])
  const idle = [usual, { ...usual, name: 'b', share: 200, idleBytes: 500 * mib }]
  expect(memoryTargets(pool, idle)).toEqual([{ name: 'b', targetBytes: 432 * mib }])
})

it('goes where the owner commands, up or down', () => {
  const pool = { totalBytes: 2048 * mib, freeBytes: 1536 * mib }
  const down = { ...usual, wantedBytes: 256 * mib }
  expect(memoryTargets(pool, [down])).toEqual([{ name: 'a', targetBytes: 256 * mib }])
  const up = { ...usual, targetBytes: 256 * mib, heldBytes: 256 * mib }
  expect(memoryTargets(pool, [up])).toEqual([{ name: 'a', targetBytes: 512 * mib }])
})

it('stays within bounds, and at rest once balloons have obeyed', () =>
  fc.assert(
    fc.property(crowds, fc.nat(400), (machines, spareMiB) => {
      const totalBytes = machines.reduce((sum, machine) => sum + machine.heldBytes, 0) + (spareMiB + 1) * mib
      let crowd: MachineMemory[] = machines
      for (let round = 0; round < 4; round++) {
        const targets = memoryTargets({ totalBytes, freeBytes: freeOf(totalBytes, crowd) }, crowd)
        // Nobody takes more meanwhile, so the second round has nothing to take back.
        for (const { name, targetBytes } of targets) {
          const machine = crowd.find((candidate) => candidate.name === name) as MachineMemory
          expect(targetBytes).toBeGreaterThanOrEqual(machine.minimumBytes)
          expect(targetBytes).toBeLessThanOrEqual(machine.maximumBytes)
          expect(targetBytes % 4096).toBe(0)
          if (round > 0) expect(targetBytes).toBeGreaterThan(machine.targetBytes - 1)
        }
        crowd = obeyed(crowd, targets)
      }
    }),
    { numRuns: 100 },
  ))
