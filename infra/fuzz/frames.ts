/**
 * Frames through the switch: a seed is a hostile frame, and a while in the life of a network that must be the same with and
 * without its flow cache.
 */
import { HostileJudge, Scenario } from '../../packages/fabric/testing.ts'
import type { Finding, Fuzzer } from './fuzzer.ts'

/** Hostile frames between two lives, and steps of a life. */
const framesOfSeed = 200
const steps = 300

/** The fuzzer of frames. */
export function createFramesFuzzer(): Fuzzer {
  return {
    unit: `lives, and ${framesOfSeed} hostile frames each`,
    try: (seed): Finding | undefined => hostile(seed) ?? twoLives(seed),
  }
}

function hostile(seed: number): Finding | undefined {
  const judge = new HostileJudge()
  for (let at = 0; at < framesOfSeed; at++) {
    const frame = seed * framesOfSeed + at
    const wrongs = judge.wrongs(frame)
    if (wrongs.length > 0) return { summary: wrongs, detail: [`hostile frame ${frame}, after ${at} others`] }
  }
  return undefined
}

function twoLives(seed: number): Finding | undefined {
  const onRuleRevoke = seed % 2 === 0 ? 'keep' : 'cut'
  const cached = new Scenario(seed, { onRuleRevoke })
  const slow = new Scenario(seed, { onRuleRevoke, flowCache: 'off' })
  for (let step = 0; step < steps; step++)
    if (cached.step() !== slow.step()) {
      const detail = ['with the cache:', ...cached.tale(3), 'without:', ...slow.tale(3)]
      return { summary: [`a life differs at step ${step}, rules revoked: ${onRuleRevoke}`], detail }
    }
  return undefined
}
