/** The whole table of a machine's moves: what is refused, why, and that nothing else changes a state. */
import { describe, expect, it } from 'vitest'
import {
  type AskedMove,
  askedMoves,
  MachineLife,
  type MachineState,
  machineStates,
  type ReportedMove,
  reportedMoves,
} from './machine-state.ts'

/** How to get a machine into each state. */
const ways: Readonly<Record<MachineState, readonly (AskedMove | ReportedMove)[]>> = {
  off: [],
  starting: ['start'],
  running: ['start', 'started'],
  paused: ['start', 'started', 'pause'],
  stopping: ['start', 'started', 'stop'],
  failed: ['start', 'failed'],
  removed: ['remove'],
}

function isAsked(move: AskedMove | ReportedMove): move is AskedMove {
  return move in askedMoves
}

function machineIn(state: MachineState): MachineLife {
  const life = new MachineLife('web')
  for (const move of ways[state]) {
    if (isAsked(move)) expect(life.ask(move).ok).toBe(true)
    else life.report(move)
  }
  expect(life.state).toBe(state)
  return life
}

/** Legal moves by state, as a person would expect them; all others are not. */
const expected: Readonly<Record<MachineState, Readonly<Record<string, MachineState>>>> = {
  off: { start: 'starting', remove: 'removed' },
  starting: { started: 'running', failed: 'failed' },
  running: {
    pause: 'paused',
    stop: 'stopping',
    ended: 'off',
    rebooted: 'starting',
    failed: 'failed',
  },
  paused: { resume: 'running', stop: 'stopping', ended: 'off', failed: 'failed' },
  stopping: { ended: 'off', failed: 'failed' },
  failed: { start: 'starting', remove: 'removed' },
  removed: {},
}

const cells = machineStates.flatMap((state) =>
  [...Object.keys(askedMoves), ...Object.keys(reportedMoves)].map((move) => ({
    state,
    move: move as AskedMove | ReportedMove, // the keys of the two tables
    to: expected[state][move],
  })),
)

describe('a machine', () => {
  it.each(cells.filter(({ to }) => to === undefined))('that is $state refuses $move', ({ state, move }) => {
    const life = machineIn(state)
    if (isAsked(move)) {
      const refused = life.ask(move)
      expect(refused).toMatchObject({
        ok: false,
        error: { fault: 'user', message: expect.stringMatching(/^machine web \S/) },
      })
      expect(refused.ok || refused.error.message).not.toMatch(/NAME|\n/)
      expect(life.allows(move)).toEqual(refused)
    } else expect(() => life.report(move)).toThrow(`a machine that is ${state} has not ${move}`)
    expect(life.state).toBe(state)
  })

  it.each(cells.filter(({ to }) => to !== undefined))(
    'that is $state and is to $move becomes $to',
    ({ state, move, to }) => {
      const life = machineIn(state)
      if (isAsked(move)) expect(life.ask(move)).toEqual({ ok: true, value: to })
      else life.report(move)
      expect(life.state).toBe(to)
    },
  )

  it('tells of each move once it has been made', () => {
    const moves: string[] = []
    const life: MachineLife = new MachineLife('web', (to, from) => moves.push(`${from} ${to} ${life.state}`))
    life.ask('start')
    life.ask('pause')
    life.report('started')
    expect(moves).toEqual(['off starting starting', 'starting running running'])
  })

  it('can be got rid of from every state', () => {
    for (const state of machineStates) {
      const seen = new Set<MachineState>([state])
      for (const at of seen) for (const to of Object.values(expected[at])) seen.add(to)
      expect(seen).toContain('removed')
    }
  })
})
