/**
 * A raw disk of both machines, read and written past the guest's cache: what a request costs, and what its bytes cost.
 * QEMU's is virtio-blk with the host's cache, as ours, on its default board: with its AIA, QEMU 7.2 does not get this
 * kernel to its init. One boot gives all figures.
 */

import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { passed, qemuArguments } from './guest.ts'
import { type Outcome, qemu } from './machines.ts'
import { type Comparison, median } from './measure.ts'

const diskMiB = 256
/** What is measured, in order, and by which command. */
const runs = [
  {
    name: 'disk read 1M',
    command: `for i in 1 2 3 4; do dd if=/dev/vda of=/dev/null bs=1M iflag=direct; done`,
  },
  {
    name: 'disk write 1M',
    command: `for i in 1 2; do dd if=/dev/zero of=/dev/vda bs=1M count=${diskMiB} oflag=direct; done`,
  },
  { name: 'disk read 4k', command: 'dd if=/dev/vda of=/dev/null bs=4k count=20000 iflag=direct' },
] as const
/** The first run fills the host's cache and is not timed. */
const script = [
  'exec 2>/dev/null; dd if=/dev/vda of=/dev/null bs=1M iflag=direct',
  ...runs.map(
    ({ command }) => `read a b < /proc/uptime; ${command}; read c d < /proc/uptime; echo "uptime $a $c"`,
  ),
].join('\n')

/** What it needs of a benchmark's setting. */
export interface DiskSetting {
  readonly directory: string
  readonly pairs: number
  readonly memoryMiB: number
  readonly progress: (line: string) => void
  readonly virgaRun: (...args: readonly string[]) => Promise<Outcome>
}

/** Seconds by the guest's clock, for each of `runs`. */
export async function measureDisk(setting: DiskSetting): Promise<readonly Comparison[]> {
  const { directory, pairs, memoryMiB, progress, virgaRun } = setting
  const disks = ['ours.img', 'peer.img'].map((name) => fill(join(directory, name)))
  const guest = await qemuArguments(directory, { image: 'micro', memoryMiB, command: script })
  const peerDisk = ['-drive', `file=${disks[1]},format=raw,if=none,id=d`, '-device', 'virtio-blk-pci,drive=d']
  const ours: number[][] = []
  const peer: number[][] = []
  for (let pair = 0; pair < pairs; pair++) {
    ours.push(await guestTimes(virgaRun('--disk', `${disks[0]}`, '--exec', script)))
    peer.push(await guestTimes(qemu(...peerDisk, ...guest)))
    progress(`disk ${pair + 1}/${pairs}: virga ${ours.at(-1)?.join(' ')}, qemu ${peer.at(-1)?.join(' ')} s`)
  }
  return runs.map(({ name }, i) => {
    const samples = { ours: ours.map((times) => times[i] ?? NaN), peer: peer.map((times) => times[i] ?? NaN) }
    const [a, b] = [median(samples.ours), median(samples.peer)]
    return { name, unit: 's', ours: a, peer: b, ratio: a / b, samples }
  })
}

/** A disk without holes. */
function fill(path: string): string {
  const file = openSync(path, 'w')
  const block = new Uint8Array(2 ** 20).fill(0x5a)
  for (let i = 0; i < diskMiB; i++) writeSync(file, block)
  closeSync(file)
  return path
}

async function guestTimes(running: Promise<Outcome>): Promise<number[]> {
  const { stdout } = await passed(running)
  const times = [...stdout.matchAll(/uptime ([\d.]+) ([\d.]+)/g)].map(
    ([, from, to]) => Number(to) - Number(from),
  )
  if (times.length !== runs.length) throw new Error(`not ${runs.length} times in: ${stdout}`)
  return times.map((time) => Math.round(time * 100) / 100)
}
