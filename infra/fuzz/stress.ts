/**
 * stress-ng with --verify in a machine of the `bench` image: programs that compute what they know the result of, as a
 * compiler made them. A seed names a group of stressors; those from 0 up are all of them.
 *
 * Why groups: a machine takes seconds to boot. Why operations and a time: `--cpu-ops` of one method take a thousand
 * times as long as those of another, and what takes too long is left where it is, which is no failure.
 */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Finding, Fuzzer } from './fuzzer.ts'

const command = join(import.meta.dirname, '../../apps/cli/virga.js')
const image = 'bench'

/** All methods of stress-ng 0.19 as Debian builds it for riscv64, which has no decimal floating point. */
const cpuMethods =
  `ackermann apery bitops callfunc cdouble cfloat clongdouble collatz correlate crc16 dither div8
  div16 div32 div64 div128 double euler explog factorial fibonacci fft fletcher16 float float32 float64 float128
  floatconversion gamma gcd gray hamming hanoi hyperbolic idct int128 int64 int32 int16 int8 int128float int128double
  int128longdouble int64float int64double int64longdouble int32float int32double int32longdouble intconversion
  ipv4checksum jmp lfsr32 ln2 logmap longdouble loop matrixprod nsqrt omega parity phi pi prime psi queens rand rand48
  rgb sieve stats sqrt trig union zeta`.split(/\s+/)
const vmMethods =
  `cache-lines cache-stripe checkerboard flip fwdrev galpat-0 galpat-1 gray grayflip incdec inc-nybble
  lfsr32 modulo-x move-inv mscan one-zero prime-0 prime-1 prime-gray-0 prime-gray-1 prime-incdec rand-set rand-sum
  read64 ror rowhammer swap walk-0a walk-0d walk-1a walk-1d walk-flush write64 write1024v zero-one`.split(
    /\s+/,
  )
/** Those that verify what they do, and those that write code or jump about in much of it. */
const others = `bitops fp hash matrix memcpy misaligned str trig vecmath funccall funcret goto branch longjmp
  far-branch icache`.split(/\s+/)

const methodMs = 10_000
const groupSize = 8
/** A boot, and a group of stressors that all take their time. */
const machineMs = 60_000 + 2 * groupSize * methodMs
/** Statuses of stress-ng for what it leaves out on this machine, which is only told. */
const unavailable = [0, 3, 4]

const stressors: readonly string[] = [
  '--atomic 2 --atomic-ops 20000',
  ...cpuMethods.map((method) => `--cpu 1 --cpu-method ${method} --cpu-ops 40`),
  ...vmMethods.map((method) => `--vm 1 --vm-bytes 2m --vm-method ${method} --vm-ops 2000`),
  ...others.map((name) => `--${name} 1 --${name}-ops 2000`),
]
const groups = Array.from({ length: Math.ceil(stressors.length / groupSize) }, (_, index) =>
  stressors.slice(index * groupSize, (index + 1) * groupSize),
)

/** The task that runs them. */
export function createStressFuzzer(): Fuzzer {
  return {
    unit: `groups of ${groupSize} stressors (${groups.length} are all)`,
    try: (seed): Finding | undefined => runGroup(groups[seed % groups.length] ?? []),
  }
}

function runGroup(group: readonly string[]): Finding | undefined {
  const script = group.map((arguments_) => {
    const run = `stress-ng ${arguments_} --verify --timeout ${methodMs / 1000}s`
    const tell = `echo "status $s: ${run}"; cat /tmp/said`
    return `${run} >/tmp/said 2>&1; s=$?; if [ $s != 0 ] || ! grep -q 'passed: [1-9]' /tmp/said; then ${tell}; fi`
  })
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [
      command,
      'run',
      '--image',
      image,
      '--cpus',
      '2',
      '--timeout',
      `${machineMs / 1000}s`,
      '--exec',
      script.join('\n'),
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  )
  // The program itself is not there or cannot be run: no finding.
  if (error !== undefined) throw error
  const said = stdout.split('\n').filter((line) => line !== '')
  if (status !== 0)
    return { summary: [`the machine ended with status ${status}`, ...said], detail: [stderr, ...group] }
  const failed = said
    .filter((line) => line.startsWith('status '))
    .map((line) => Number(/\d+/.exec(line)?.[0]))
  if (failed.every((code) => unavailable.includes(code))) {
    for (const line of said) process.stderr.write(`${line}\n`)
    return undefined
  }
  return { summary: said, detail: [] }
}
