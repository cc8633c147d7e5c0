/** `virga net trace`: what would become of a packet, and why. */

import { ok, type Result, userError } from '@virga/base'
import type { HostClient, TraceAnswer } from '@virga/host'
import type { Command } from 'commander'
import { withRunningHost } from '../local-host.ts'
import { type OutputFlags, outputOption } from '../volume-flags.ts'

const help = `
Asks the network itself, by the way that packets go, and changes nothing. Exit status 1 when the packet would be dropped.

Examples:
  virga net trace web tcp 10.0.0.5 80
  virga net trace web icmp 10.0.0.5
  virga net trace web udp 9.9.9.9 53 -o json`

/** Adds the group to the program. */
export function addNetCommands(program: Command): void {
  const net = program.command('net').description('look into networks of machines')
  net
    .command('trace')
    .description('say what would become of a packet of a machine, and why')
    .argument('<machine>', 'who sends it')
    .argument('<protocol>', 'tcp, udp or icmp')
    .argument('<address>', 'where it goes')
    .argument('[port]', 'its port there, for tcp and udp')
    .addOption(outputOption())
    .addHelpText('after', help)
    .action(
      async (machine: string, protocol: string, to: string, port: string | undefined, flags: OutputFlags) => {
        await withRunningHost('no host runs, and so no network\n', (host) =>
          trace(host, { machine, protocol, to, port }, flags.output),
        )
      },
    )
}

interface Asked {
  readonly machine: string
  readonly protocol: string
  readonly to: string
  readonly port: string | undefined
}

async function trace(host: HostClient, asked: Asked, output: OutputFlags['output']): Promise<Result<string>> {
  const { machine, protocol, to, port = '0' } = asked
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'icmp')
    return userError(`a packet is tcp, udp or icmp, not '${protocol}'`)
  if (protocol !== 'icmp' && !(Number(port) >= 1 && Number(port) <= 65_535 && /^\d+$/.test(port)))
    return userError(`${protocol} wants a port from 1 to 65535 behind the address, not '${asked.port ?? ''}'`)
  const status = await host.machine(machine)
  if (!status.ok) return status
  const [first] = status.value.record.interfaces ?? []
  if (first === undefined) return userError(`machine ${machine} is in no network; make it with --net NETWORK`)
  const question = { machine, protocol, destination: to, port: Number(port) } as const
  const answer = await host.trace(first.network, question)
  if (!answer.ok) return answer
  if (answer.value.dropped !== undefined) process.exitCode = 1
  return ok(output === 'json' ? `${JSON.stringify(answer.value)}\n` : await table(answer.value))
}

async function table({ steps, dropped }: TraceAnswer): Promise<string> {
  const { textTable } = await import('../text-table.ts')
  const rows = steps.map(({ stage, verdict, rule = '', why }) => [stage, verdict, rule, why])
  const end = dropped === undefined ? 'it gets there' : `it is dropped: ${dropped}`
  return `${textTable({ head: ['stage', 'verdict', 'rule', 'why'], rows })}${end}\n`
}
