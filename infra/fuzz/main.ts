/**
 * `npm run fuzz -- TARGET [--minutes N] [--seed S]`: tries random inputs for N minutes (1), from seed S (by the clock),
 * and stops at the first that is wrong, with status 1, the seed, and the input cut down to what it needs.
 *
 *   jit      programs of random instructions: interpreter and compiled code
 *   qcow2    damaged disk images: read, written, repaired or refused, and nothing else
 *   virtio-blk, virtio-net, virtio-balloon, virtio-console, virtio-input
 *            drivers that do anything: nothing but their own memory and backend is touched
 *   frames   hostile frames into the switch, and lives of networks with and without the flow cache
 *   stress   stress-ng's methods, which know their results, in a machine of the image `bench`, which is made by
 *            `npx virga image build --name bench --packages openssl,xz-utils,python3-minimal,perl-base,sqlite3,stress-ng`
 */

import { parseArgs } from 'node:util'
import { createFramesFuzzer } from './frames.ts'
import type { Fuzzer } from './fuzzer.ts'
import { createJitFuzzer } from './jit.ts'
import { createQcow2Fuzzer } from './qcow2.ts'
import { createStressFuzzer } from './stress.ts'
import { virtioFuzzers } from './virtio.ts'

const targets: Readonly<Record<string, () => Fuzzer>> = {
  jit: createJitFuzzer,
  qcow2: createQcow2Fuzzer,
  frames: createFramesFuzzer,
  stress: createStressFuzzer,
  ...virtioFuzzers,
}
/** Between two lines of progress. */
const progressMs = 10_000

function main(): number {
  const { values, positionals } = parseArgs({
    options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
    allowPositionals: true,
  })
  const [name = ''] = positionals
  const create = Object.hasOwn(targets, name) ? targets[name] : undefined
  const minutes = Number(values.minutes)
  const first = Number(values.seed ?? Date.now() % 1_000_000_000)
  if (create === undefined || positionals.length !== 1)
    return refuse(`give one target of: ${Object.keys(targets).join(', ')}`)
  if (!(minutes > 0)) return refuse('--minutes is a number above 0')
  if (!Number.isSafeInteger(first) || first < 0) return refuse('--seed is a whole number, 0 or more')
  return fuzz(name, create(), first, minutes * 60_000)
}

function refuse(why: string): number {
  process.stderr.write(`fuzz: ${why}; for example \`npm run fuzz -- jit --minutes 5\`\n`)
  return 2
}

function fuzz(name: string, fuzzer: Fuzzer, first: number, durationMs: number): number {
  const startedMs = performance.now()
  const endMs = startedMs + durationMs
  let progressAtMs = startedMs + progressMs
  let seed = first
  for (; performance.now() < endMs; seed++) {
    const finding = fuzzer.try(seed)
    if (finding !== undefined) {
      const again = `npm run fuzz -- ${name} --seed ${seed}`
      process.stdout.write(
        [`seed ${seed} is wrong`, ...finding.summary, ...finding.detail, again, ''].join('\n'),
      )
      return 1
    }
    if (performance.now() < progressAtMs) continue
    progressAtMs += progressMs
    const seconds = Math.round((performance.now() - startedMs) / 1000)
    process.stderr.write(`${seed - first + 1} ${fuzzer.unit} in ${seconds} s, all well\n`)
  }
  process.stdout.write(`${seed - first} ${fuzzer.unit} from seed ${first}: all well\n`)
  return 0
}

process.exitCode = main()
