/**
 * I3: a tenant's network does not depend on another's. Two tenants of one process have the same addresses and the same
 * MACs; everything that happens to the first is the same, byte for byte, whether the second is absent, idle or hostile. It
 * holds because all state is the network's own; this is who notices when something comes to be shared.
 * I2: whatever was decided, a port gets only what is addressed to it.
 */

import { tcpFlag } from '@virga/packet'
import { describe, expect, it } from 'vitest'
import { Scenario } from '../testing/scenario.ts'
import { World } from '../testing/world.ts'

const steps = 500

/** What happens to the first tenant, with what the second does between its steps. */
function lifeBeside(seed: number, other: (() => unknown) | undefined): string[] {
  const life = new Scenario(seed)
  return Array.from({ length: steps }, () => {
    other?.()
    return life.step()
  })
}

describe('two tenants with the same addresses', () => {
  it('do not know of each other (I3)', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const alone = lifeBeside(seed, undefined)
      const idle = new Scenario(seed + 1000)
      expect(lifeBeside(seed, () => idle.world.network.flush())).toEqual(alone)
      const hostile = new Scenario(seed + 2000)
      expect(lifeBeside(seed, () => hostile.step())).toEqual(alone)
    }
  })

  it('see nothing of what the other sends, to whatever address', () => {
    const [one, two] = [new World(), new World()]
    for (const world of [one, two]) {
      world.add('a', 10)
      world.add('b', 11)
    }
    for (const to of ['b', '10.0.0.11', '10.0.0.99', 'fd00::b'])
      one.send('a', to, { kind: 'tcp', flags: tcpFlag.syn })
    expect(one.take('b').length).toBeGreaterThan(0)
    expect([two.take('a'), two.take('b')]).toEqual([[], []])
  })
})

describe('a delivery', () => {
  it('to another MAC than the frame says does not happen, even if it was decided (I2)', () => {
    const world = new World()
    world.add('a', 10)
    world.add('b', 11)
    const frame = world.frame('a', 'b', { kind: 'udp' })
    world.sendBytes('a', frame)
    // Behind the network's back, so that no epoch begins: what the cache says is wrong now.
    const ports = Reflect.get(world.network, 'ports')
    Reflect.get(ports, 'slots')[world.machine('b').index].macLow = 5
    expect(world.sendBytes('a', frame)).toBe('not-addressed')
    Reflect.get(ports, 'slots')[world.machine('b').index].macLow = 11
    Reflect.get(ports, 'slots')[world.machine('b').index].addressWords.fill(7)
    expect(world.sendBytes('a', frame)).toBe('not-addressed')
  })
})
