/**
 * Debian's kernel and the devices that a host gives to machines: two machines in one network, and ports of a console. One
 * thread serves the devices of both.
 */
import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { createMachine, type MachineOwner } from '@virga/vmm'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBoot } from '../../apps/cli/boot-files.ts'
import { now } from '../../apps/cli/clock.ts'
import { loadEngineModules } from '../../apps/cli/engine-modules.ts'
import { PcpuThreads } from '../../apps/cli/pcpu-threads.ts'
import { RegionCompilerThread } from '../../apps/cli/region-compiler.ts'
import type { ServedMachine } from './device-io.ts'
import { virga } from './virga.ts'

const pullMsMax = 600_000
const runMsMax = 300_000
const memoryBytes = 256 * 2 ** 20

beforeAll(async () => {
  const { status, stderr } = await virga(['image', 'pull'])
  expect(status, stderr).toBe(0)
}, pullMsMax)

/** A machine of the `micro` image with all those devices; it runs a command when it is resumed. */
async function make(command: string, mac: number, ioBell: Int32Array): Promise<MachineOwner> {
  const opened = await openBoot({ image: 'micro', exec: command }, memoryBytes, true)
  if (!opened.ok) throw new Error(opened.error.message)
  const made = createMachine({
    cpus: 1,
    pcpus: 1,
    memoryBytes,
    boot: opened.value.boot,
    now,
    wallClock: Date.now,
    random: randomBytes,
    ioBell,
    devices: [
      { kind: 'net', port: { mac, mtu: 1500 } },
      { kind: 'console', ports: [{ name: 'virga.agent' }] },
      { kind: 'button' },
    ],
  })
  if (!made.ok) throw new Error(made.error.message)
  return made.value
}

/** Runs machines side by side to their ends; what each printed, and its exit status. */
async function runTogether(commands: readonly string[]): Promise<{ status: unknown; text: string }[]> {
  const bell = new Int32Array(new SharedArrayBuffer(4))
  const modules = await loadEngineModules('jit')
  if (!modules.ok) throw new Error(modules.error.message)
  const compiler = new RegionCompilerThread({ symbols: undefined, cached: true })
  const owners = await Promise.all(commands.map((command, i) => make(command, 0x0200_0000_0010 + i, bell)))
  const machines: ServedMachine[] = owners.map(({ descriptor }, i) => ({
    descriptor,
    mac: 0x0200_0000_0010 + i,
    address: `10.0.0.${10 + i}`,
  }))
  const io = new Worker(new URL('./device-io.ts', import.meta.url), { workerData: { machines, bell } })
  io.on('exit', () => {
    for (const owner of owners) owner.ioExited()
  })
  return await Promise.all(
    owners.map(async (owner) => {
      const threads = new PcpuThreads(1)
      threads.attach(owner, { modules: modules.value, compiler }, () => undefined)
      const limit = setTimeout(() => owner.stop(), runMsMax - 20_000)
      const output: Uint8Array[] = []
      owner.resume()
      const outcome = await owner.finished({ output: (bytes) => void output.push(bytes) })
      clearTimeout(limit)
      const status = outcome.kind === 'power-off' ? outcome.status : outcome
      return { status, text: Buffer.concat(output).toString() }
    }),
  )
}

const upAs = (number: number) => `ip addr add 10.0.0.${number}/24 dev eth0 && ip link set eth0 up`

describe('two machines in one network', () => {
  it(
    'hear each other, and megabytes pass between them unharmed; a named port carries bytes',
    async () => {
      const [receiver, sender] = await runTogether([
        `${upAs(10)}; nc -l -p 5000 | md5sum; cat /sys/class/net/eth0/carrier /sys/class/net/eth0/mtu`,
        `${upAs(11)}; until ping -c 1 -W 1 10.0.0.10 >/dev/null; do sleep 1; done; sleep 2
         seq 1 700000 > /tmp/x; nc 10.0.0.10 5000 < /tmp/x; md5sum < /tmp/x
         port=$(basename $(dirname $(grep -l virga.agent /sys/class/virtio-ports/*/name)))
         exec 3<>/dev/$port; seq 1 3 >&3; head -n 3 <&3`,
      ])
      const sums = [receiver, sender].map((ended) => /[0-9a-f]{32}/.exec(ended?.text ?? '')?.[0])
      expect([receiver?.status, sender?.status], `${receiver?.text} ${sender?.text}`).toEqual([0, 0])
      expect(sums[0]).toMatch(/^[0-9a-f]{32}$/)
      expect([sums[0], receiver?.text]).toEqual([sums[1], expect.stringMatching(/1\r?\n1500/)])
      expect(sender?.text).toMatch(/1\r?\n2\r?\n3/)
    },
    runMsMax,
  )
})
