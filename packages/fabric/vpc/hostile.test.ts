/** I10: no frame, whatever its bytes and offload header, crashes a network, reads beside itself or gets lost uncounted. */
import { expect, it } from 'vitest'
import { HostileJudge } from '../testing/judge-network.ts'

it('hostile frames do no harm', () => {
  const judge = new HostileJudge()
  for (let seed = 1; seed <= 20_000; seed++) expect(judge.wrongs(seed), `seed ${seed}`).toEqual([])
})
