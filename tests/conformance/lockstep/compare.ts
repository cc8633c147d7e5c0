/** Runs bodies here and in QEMU, and says where they part. */

import { disassemble } from '../../../packages/riscv/isa/disassemble.ts'
import { runQemu } from '../../framework/qemu.ts'
import { compiledShare, type MachineEngine, runMachine } from '../../framework/run-machine.ts'
import { Assembler } from './assembler.ts'
import { writeBody } from './generate.ts'
import { type BodyStart, buildProgram, type HarnessOptions, stateNames } from './harness.ts'
import { place } from './memory-plan.ts'
import { Random } from './random.ts'

/** A body by name: writes its code with labels from `name`, and returns what it starts from. */
export interface Body {
  readonly name: string
  readonly write: (assembler: Assembler, name: string) => BodyStart
}

/** The random body of a seed. */
export function seededBody(seed: number): Body {
  return { name: `seed ${seed}`, write: (assembler, name) => writeBody(assembler, new Random(seed), name) }
}

/** The judge: no hypervisor extension, and none that this machine lacks. */
const judge = 'rv64,h=off,zbc=off,v=off'

/** Names of the bodies that end differently, each with the reasons as text; empty when all agree. */
export async function findMismatches(
  bodies: readonly Body[],
  engine: MachineEngine = 'interpreter',
): Promise<readonly string[]> {
  const hashes = await runBoth(build(bodies, 'hash').program, engine)
  const [ours, judged] = hashes.map(lines)
  if (ours?.length !== bodies.length || judged?.length !== bodies.length) {
    throw new Error(`${ours?.length} results here and ${judged?.length} in QEMU, of ${bodies.length} bodies`)
  }
  const different = bodies.filter((_, index) => ours[index] !== judged[index])
  return Promise.all(different.slice(0, reportsMax).map((body) => describe(body, engine)))
}

/** Of a program that is compiled: what is left is the first run through code that nothing jumps to. */
const compiledShareMin = 0.99
const reportsMax = 4
const differencesMax = 24

function build(bodies: readonly Body[], print: HarnessOptions['print']) {
  const starts: BodyStart[] = []
  // Descriptors need the starts, and those come from writing: written once to see, and again into the program.
  const draft = new Assembler(place.program)
  for (const { name, write } of bodies) starts.push(write(draft, name))
  return buildProgram({
    bodies: starts,
    writeBodies: (assembler) => {
      for (const { name, write } of bodies) write(assembler, name)
    },
    print,
  })
}

async function runBoth(program: Uint8Array, engine: MachineEngine): Promise<readonly Uint8Array[]> {
  const [here, there] = await Promise.all([
    runMachine({ boot: { kind: 'bare', program }, engine }),
    runQemu({ program, cpu: judge }),
  ])
  if (here.outcome.kind !== 'power-off')
    throw new Error(`this machine ended as ${JSON.stringify(here.outcome)}`)
  const share = compiledShare(here.statistics)
  if (engine !== 'interpreter' && share < compiledShareMin)
    throw new Error(`only ${share} of the instructions were compiled`)
  if (there.status !== 0) throw new Error(`QEMU ended with ${there.status}`)
  return [here.output, there.output]
}

function lines(output: Uint8Array): readonly string[] {
  return Buffer.from(output).toString('latin1').split('\n').slice(0, -1)
}

/** Runs one body with its whole state printed: what differs, and its code. */
async function describe(body: Body, engine: MachineEngine): Promise<string> {
  const { program, assembler } = build([body], 'words')
  const [ours = [], judged = []] = (await runBoth(program, engine)).map(lines)
  const names = stateNames()
  const differences = names.flatMap((name, index) =>
    ours[index] === judged[index] ? [] : [`  ${name}: ${ours[index]} here, ${judged[index]} in QEMU`],
  )
  const traps = Number(BigInt(`0x${judged[names.indexOf('traps')]}`))
  const trapLog = Array.from({ length: traps }, (_, index) => {
    const at = names.indexOf(`trap ${index} cause`)
    return `  trap ${index}: cause ${judged[at]} epc ${judged[at + 1]} tval ${judged[at + 2]}`
  })
  const begin = assembler.address(`${body.name} entry`)
  const code = assembler.bytesAt(begin, assembler.address(`${body.name} end`) - begin)
  return [
    `${body.name} ends differently:`,
    ...differences.slice(0, differencesMax),
    differences.length > differencesMax ? `  and ${differences.length - differencesMax} more` : '',
    'traps in QEMU:',
    ...trapLog,
    ...listing(code, begin),
  ].join('\n')
}

function listing(code: Uint8Array, begin: number): readonly string[] {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  const text: string[] = []
  for (let at = 0; at + 2 <= code.length; ) {
    const low = view.getUint16(at, true)
    const wide = (low & 3) === 3 && at + 4 <= code.length
    const bits = wide ? view.getUint32(at, true) : low
    const pc = BigInt(begin + at)
    text.push(
      `  ${pc.toString(16)}: ${bits.toString(16).padStart(wide ? 8 : 4, '0')} ${disassemble(bits, pc)}`,
    )
    at += wide ? 4 : 2
  }
  return text
}
