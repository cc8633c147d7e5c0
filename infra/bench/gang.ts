/**
 * The gang scheduler without machines: what it gives to programs that wait for each other, in the simulator, beside
 * `uncoordinated`; and how long a decision takes at 64 machines of 2 harts on 8 pCPUs, all of which would run.
 * The simulator's figures are the same wherever they are measured. A choice for all pCPUs is made once in a slice, by
 * the first pCPU that asks; the others then only read it.
 */
import { seededRandom } from '@virga/base'
import {
  barrierBound,
  clearSchedulerState,
  computing,
  GangPolicy,
  hartState,
  type PolicyOptions,
  type Program,
  type SchedulerPolicy,
  Simulation,
  schedulerStateBytes,
  UncoordinatedPolicy,
  usualEntitlement,
} from '@virga/vmm/scheduler'
import { median } from './measure.ts'

/** One figure of the scheduler. */
export interface GangFigure {
  readonly name: string
  readonly unit: string
  readonly value: number
}

type PolicyClass = new (options: PolicyOptions) => SchedulerPolicy

const simulatedMs = 10_000
/** What a switch and a move of a hart cost it. */
const costs = { switchMs: 0.01, moveMs: 1 } as const
/** Barriers every 0.2 ms of work, with spinning. */
const barriers = barrierBound(0.2)
const decisionRounds = 5000

/** Simulates, then times decisions `samples` times. */
export function measureGang(samples: number, progress: (line: string) => void): GangFigure[] {
  const two = [barriers, barriers].map((program) => ({ harts: 2, program }))
  const gangs = simulate(GangPolicy, 2, two)
  const plain = simulate(UncoordinatedPolicy, 2, two)
  const mixed = [
    { harts: 2, program: barriers },
    { harts: 1, program: computing() },
  ]
  const beside = simulate(GangPolicy, 2, mixed)
  const many = Array.from({ length: 64 }, () => ({ harts: 2, program: barriers }))
  const figures = [
    figure('gang, two machines of 2 harts on 2 pCPUs', '× uncoordinated', total(gangs) / total(plain)),
    figure('gang, the same, fairness of time', "Jain's index", jain(gangs.map(({ ranMs }) => ranMs))),
    figure('gang, beside a busy hart', 'barriers a second', total(beside) / (simulatedMs / 1000)),
    figure('gang, the same, fairness of time', "Jain's index", jain(beside.map(({ ranMs }) => ranMs))),
    figure(
      'gang, 64 machines on 8 pCPUs',
      "Jain's index",
      jain(simulate(GangPolicy, 8, many).map(({ ranMs }) => ranMs)),
    ),
  ]
  const times = { choice: [] as number[], next: [] as number[] }
  timeDecisions()
  for (let sample = 0; sample < samples; sample++) {
    const { choice, next } = timeDecisions()
    times.choice.push(choice)
    times.next.push(next)
    progress(
      `gang ${sample + 1}/${samples}: ${choice.toFixed(2)} µs for all pCPUs, ${next.toFixed(2)} µs for one`,
    )
  }
  return [
    ...figures,
    figure('gang, a choice for all of 8 pCPUs at 64 machines', 'µs', median(times.choice)),
    figure('gang, a decision for one of them', 'µs', median(times.next)),
  ]
}

function figure(name: string, unit: string, value: number): GangFigure {
  return { name: `${name}:`, unit, value }
}

/** What each machine got, of equal shares. */
function simulate(
  kind: PolicyClass,
  pcpus: number,
  machines: readonly { harts: number; program: Program }[],
) {
  const policy = makePolicy(kind, pcpus, machines.length)
  const simulation = new Simulation({ policy, random: seededRandom(1), ...costs })
  machines.forEach(({ harts, program }, slot) => {
    simulation.add(slot, { harts, entitlement: usualEntitlement, program, startMs: 20 })
  })
  simulation.run(simulatedMs)
  return machines.map((_, slot) => simulation.figures(slot))
}

function makePolicy(kind: PolicyClass, pcpus: number, machines: number): SchedulerPolicy {
  const limits = { pcpus, machines, hartsPerMachine: 2 }
  const options = { memory: new SharedArrayBuffer(schedulerStateBytes(limits)), byteOffset: 0, limits }
  clearSchedulerState(options)
  return new kind(options)
}

function total(figures: readonly { barriers: number }[]): number {
  return figures.reduce((sum, { barriers }) => sum + barriers, 0)
}

/** Jain's fairness index: 1 when all are equal. */
function jain(values: readonly number[]): number {
  const sum = values.reduce((a, b) => a + b, 0)
  return sum ** 2 / (values.length * values.reduce((a, b) => a + b ** 2, 0))
}

/** Median microseconds of the `take` that chooses for all pCPUs, and of the `leave` and `take` of a pCPU whose hart sleeps. */
function timeDecisions(): { readonly choice: number; readonly next: number } {
  const [pcpus, machines] = [8, 64]
  const policy = makePolicy(GangPolicy, pcpus, machines)
  for (let machine = 0; machine < machines; machine++) {
    policy.addMachine(machine, 2, usualEntitlement, 0)
    policy.wake(machine * 2, 0)
    policy.wake(machine * 2 + 1, 0)
  }
  const running = new Int32Array(pcpus).fill(-1)
  const choices: number[] = []
  const others: number[] = []
  let now = 0
  for (let round = 0; round < decisionRounds; round++) {
    now += 10
    for (let pcpu = 0; pcpu < pcpus; pcpu++) policy.leave(pcpu, hartState.ready, now)
    const start = performance.now()
    running[0] = policy.take(0, now)
    choices.push((performance.now() - start) * 1000)
    for (let pcpu = 1; pcpu < pcpus; pcpu++) running[pcpu] = policy.take(pcpu, now)
    while (policy.nextKick() >= 0);
    // A hart sleeps: its pCPU goes to another, until it wakes.
    const sleeper = running[round % pcpus] as number
    const slept = performance.now()
    policy.leave(round % pcpus, hartState.idle, now + 1)
    policy.take(round % pcpus, now + 1)
    others.push((performance.now() - slept) * 1000)
    if (sleeper >= 0) policy.wake(sleeper, now + 2)
    while (policy.nextKick() >= 0);
  }
  return { choice: median(choices), next: median(others) }
}
