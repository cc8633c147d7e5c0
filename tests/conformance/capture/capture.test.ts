/** Captures, read back by tcpdump: every frame at its time and port, dissected as what it was, with no checksum wrong. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PcapngWriter } from '@virga/fabric'
import { World } from '@virga/fabric/testing'
import { beforeAll, expect, it } from 'vitest'

/** What tcpdump prints of a capture, a line a packet. */
function tcpdump(capture: Uint8Array, ...options: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'virga-capture-'))
  const file = join(folder, 'capture.pcapng')
  writeFileSync(file, capture)
  const { status, stdout, stderr } = spawnSync('tcpdump', ['-n', '-tttt', ...options, '-r', file], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  })
  rmSync(folder, { recursive: true })
  expect(stderr).not.toMatch(/bad|truncated|error/i)
  expect(status).toBe(0)
  return stdout.trim().split('\n')
}

beforeAll(() => {
  const { error } = spawnSync('tcpdump', ['--version'])
  if (error !== undefined) throw new Error('tcpdump is needed to judge captures: apt install tcpdump')
})

it('tcpdump reads what a network did', () => {
  const parts: Uint8Array[] = []
  const writer = new PcapngWriter((bytes) => parts.push(bytes))
  const world = new World()
  world.add('a', 10)
  world.add('b', 11)
  const start = Date.UTC(2026, 10, 25, 12, 0, 0)
  world.network.observer = ({ nowMs, dropped, ...seen }) =>
    writer.write({ ...seen, atMs: start + nowMs, ...(dropped === undefined ? {} : { comment: dropped }) })
  world.nowMs = 1500.25
  world.send('a', '10.0.0.11', { kind: 'tcp', options: { mss: 1460 } })
  world.send('b', 'a', { kind: 'udp', sourcePort: 7, destinationPort: 9, data: new Uint8Array(11) })
  world.send('a', 'fd00::b', { kind: 'icmp', data: new Uint8Array(8) })
  world.send('a', '10.0.0.99', { kind: 'icmp' })
  const capture = Buffer.concat(parts)
  const lines = tcpdump(capture)
  const at = '2026-11-25 12:00:01.500250'
  expect(lines).toEqual([
    expect.stringMatching(
      `^${at} .*IP 10.0.0.10.40000 > 10.0.0.11.80: Flags \\[S\\], seq 1000, win 65535, options \\[mss 1460\\]`,
    ),
    expect.stringMatching('IP 10.0.0.10.40000 > 10.0.0.11.80: Flags \\[S\\]'),
    expect.stringMatching('IP 10.0.0.11.7 > 10.0.0.10.9: UDP, length 11'),
    expect.stringMatching('IP 10.0.0.11.7 > 10.0.0.10.9: UDP, length 11'),
    expect.stringMatching('IP6 fd00::a > fd00::b: ICMP6, echo request, id 7, seq 1, length 16'),
    expect.stringMatching('IP6 fd00::a > fd00::b: ICMP6, echo request, id 7, seq 1, length 16'),
    expect.stringMatching('IP 10.0.0.10 > 10.0.0.99: ICMP echo request, id 7, seq 1, length 8'),
  ])
  const verdicts = tcpdump(capture, '-vv').join('\n')
  expect(verdicts).toContain('(correct)')
  expect(verdicts).toContain('udp sum ok')
  expect(verdicts).toContain('icmp6 sum ok')
  expect(verdicts).not.toMatch(/incorrect|bad .*sum|wrong/)
})
