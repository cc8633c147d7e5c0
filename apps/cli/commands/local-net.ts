/** `virga local net`: networks of this computer's machines. */

import { ok, type Result, userError } from '@virga/base'
import type { HostClient } from '@virga/host'
import type { Command } from 'commander'
import { withHost } from '../local-host.ts'
import { type OutputFlags, outputOption } from '../volume-flags.ts'

const help = `
Machines of one network reach each other, and nobody else; networks may have the same addresses. With --outside their machines
also reach the outside by way of this computer, but not its own networks, unless they are allowed.

Examples:
  virga local net create red --cidr 10.0.0.0/24
  virga local net create blue --cidr 10.0.0.0/24 --outside --allow 127.0.0.1
  virga local start web --net red
  virga local net list
  virga local net rm red`

/** Adds the group to its group. */
export function addLocalNetCommands(local: Command): void {
  const net = local.command('net').description('networks of machines').addHelpText('after', help)
  net
    .command('create')
    .description('make a network')
    .argument('<name>', 'what it is called')
    .requiredOption('--cidr <block>', 'addresses of its machines, such as 10.0.0.0/24')
    .option('--outside', 'its machines reach the outside')
    .option(
      '--allow <block>',
      "a block of this computer's own networks that they may reach; again for more",
      collect,
    )
    .addHelpText('after', '\nExample:\n  virga local net create red --cidr 10.0.0.0/24')
    .action(async (name: string, flags: CreateFlags) => {
      await withHost((host) => create(host, name, flags))
    })
  net
    .command('list')
    .description('list the networks')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  virga local net list -o json')
    .action(async ({ output }: OutputFlags) => {
      await withHost((host) => list(host, output))
    })
  net
    .command('rm')
    .description('remove a network that no machine is in')
    .argument('<name>', 'the network')
    .addHelpText('after', '\nExample:\n  virga local net rm red')
    .action(async (name: string) => {
      await withHost(async (host) => {
        const removed = await host.removeNetwork(name)
        return removed.ok ? ok(`network ${name} is removed\n`) : removed
      })
    })
}

interface CreateFlags {
  readonly cidr: string
  readonly outside?: true
  readonly allow?: readonly string[]
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

async function create(
  host: HostClient,
  name: string,
  { cidr, outside, allow }: CreateFlags,
): Promise<Result<string>> {
  if (allow !== undefined && outside === undefined)
    return userError('--allow goes with --outside; add --outside')
  const { wantedNetwork } = await import('@virga/host')
  const read = wantedNetwork.safeParse({
    name,
    subnet: cidr,
    ...(outside && { outside: { allow: allow ?? [] } }),
  })
  if (!read.success) {
    const [issue] = read.error.issues
    const what = { name: `'${name}'`, subnet: `--cidr ${cidr}`, outside: '--allow' }
    const where = String(issue?.path[0])
    return userError(`${what[where as keyof typeof what] ?? where} ${issue?.message}`)
  }
  const made = await host.createNetwork(read.data)
  return made.ok ? ok(`network ${name} is made; machines get into it with --net ${name}\n`) : made
}

async function list(host: HostClient, output: OutputFlags['output']): Promise<Result<string>> {
  const [answer, machines] = await Promise.all([host.networks(), host.machines()])
  if (!answer.ok) return answer
  if (!machines.ok) return machines
  const { networks } = answer.value
  if (output === 'json') return ok(`${JSON.stringify(networks)}\n`)
  if (networks.length === 0)
    return ok('there is no network; make one with `virga local net create NAME --cidr 10.0.0.0/24`\n')
  const membersOf = (name: string) =>
    machines.value.machines.flatMap(({ record }) =>
      (record.interfaces ?? [])
        .filter(({ network }) => network === name)
        .map(({ address }) => `${record.name} ${address}`),
    )
  const { textTable } = await import('../text-table.ts')
  return ok(
    textTable({
      head: ['network', 'addresses', 'outside', 'machines'],
      rows: networks.map(({ name, subnet, outside }) => [
        name,
        subnet,
        outside === undefined ? 'no' : ['yes', ...outside.allow].join('\n'),
        membersOf(name).join('\n'),
      ]),
    }),
  )
}
