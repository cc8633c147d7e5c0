/** Machines with a balloon: memory that a guest does without goes back to the host, and comes when it is wanted again. */
import { beforeAll, describe, expect, it } from 'vitest'
import { virga } from './virga.ts'

const pullMsMax = 600_000
const bootMsMax = 240_000
const frameMib = 1 / 256
const balloon = ['--balloon', '64MiB']

beforeAll(async () => {
  const { status, stderr } = await virga(['image', 'pull'])
  expect(status, stderr).toBe(0)
}, pullMsMax)

/** Runs a command; MiB of machine memory that were in use at the end, and what it printed. */
async function run(flags: readonly string[], command: string) {
  const ended = await virga(['run', '--memory', '256MiB', ...flags, '--stats', 'json', '--exec', command])
  expect(ended.status, ended.stderr).toBe(0)
  const { memory } = JSON.parse(ended.stderr)
  return { stdout: ended.stdout, takenMib: memory.framesTaken * frameMib }
}

describe('a balloon', () => {
  it('that is no size, or is asked for with lockstep, is refused', async () => {
    const wrong = await virga(['run', '--balloon', 'much'])
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/^virga: --balloon .*\n$/)])
    const lockstep = await virga(['run', '--balloon', '1MiB', '--engine', 'lockstep'])
    expect([lockstep.status, lockstep.stderr]).toEqual([2, expect.stringMatching(/leave out --balloon\n$/)])
  })

  it(
    'takes what was touched from a running guest, and gives it back with its bytes right',
    async () => {
      const untilInflated = `until grep -q 'balloon_inflate 16384' /proc/vmstat; do sleep 1; done`
      const fill =
        'mount -t tmpfs -o size=90% none /mnt; dd if=/dev/zero of=/mnt/x bs=1M count=100 2>/dev/null'
      const without = await run([], `${fill}; rm /mnt/x`)
      // Free memory is reported in blocks of 2 MiB, some seconds later.
      const small = await run(balloon, `${fill}; rm /mnt/x; ${untilInflated}; sleep 8`)
      expect(without.takenMib - small.takenMib).toBeGreaterThan(64)
      const again = await run(
        balloon,
        `${untilInflated}; rmmod virtio_balloon; grep balloon_deflate /proc/vmstat; ${fill}
         seq 1 1000000 > /mnt/y; md5sum < /mnt/y; seq 1 1000000 | md5sum`,
      )
      expect(again.stdout).toMatch(/balloon_deflate 16384/)
      const sums = again.stdout.match(/[0-9a-f]{32}/g) ?? []
      expect([sums.length, sums[0]]).toEqual([2, sums[1]])
      expect(again.takenMib).toBeGreaterThan(small.takenMib + 64)
    },
    3 * bootMsMax,
  )
})
