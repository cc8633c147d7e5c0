/**
 * I5: the flow cache changes nothing but speed. Two networks lead the same random life, one with its cache and one that
 * sends every frame the slow way; at each step both drop for the same reason and deliver the same bytes.
 * I4: and at no step does either let pass what the rules of that moment deny (it would differ from the slow path).
 */
import { describe, expect, it } from 'vitest'
import { Scenario } from '../testing/scenario.ts'

const lives = 25
const steps = 400

describe.each(['keep', 'cut'] as const)('with connections that a revoked rule would %s', (onRuleRevoke) => {
  it(`cached and slow agree in ${lives} lives`, () => {
    for (let seed = 1; seed <= lives; seed++) {
      const cached = new Scenario(seed, { onRuleRevoke })
      const slow = new Scenario(seed, { onRuleRevoke, flowCache: 'off' })
      for (let step = 0; step < steps; step++) {
        const [a, b] = [cached.step(), slow.step()]
        if (a !== b) expect(cached.tale(), `seed ${seed}, step ${step}`).toEqual(slow.tale())
      }
    }
  })
})

it('lives are lively: every layer drops something, and most of it passes somewhere', () => {
  const reasons = new Set<string>()
  for (let seed = 1; seed <= 40; seed++) {
    const life = new Scenario(seed)
    for (let step = 0; step < steps; step++) reasons.add(/: ([a-z-]+)/.exec(life.step())?.[1] ?? '')
  }
  for (const reason of [
    'passed',
    'ip-spoofed',
    'egress-denied',
    'ingress-denied',
    'no-such-machine',
    'blackhole',
  ])
    expect(reasons).toContain(reason)
  for (const reason of ['ttl-exceeded', 'too-big', 'nat-no-binding', 'nat-protocol', 'nat-ports-exhausted'])
    expect(reasons).toContain(reason)
  expect(reasons).toContain('conntrack-full')
})
