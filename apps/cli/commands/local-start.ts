/** `virga local start`: makes a machine and starts it, or starts one again. */

import { resolve } from 'node:path'
import { ok, type Result, userError } from '@virga/base'
import type { HostClient, WantedMachine } from '@virga/host'
import type { Command } from 'commander'
import { parseDisk } from '../disk-flag.ts'
import { withHost } from '../local-host.ts'
import { parseBytes } from '../units.ts'

interface StartFlags {
  readonly image?: string
  readonly kernel?: string
  readonly initrd?: string
  readonly append?: string
  readonly cpus?: string
  readonly memory?: string
  readonly disk?: readonly string[]
  readonly net?: readonly string[]
}

const help = `
A machine that is there already is started as it was made, without options. What is made stays until \`virga local rm\`.

Examples:
  virga local start web
  virga local start db --cpus 2 --memory 1GiB --disk data.qcow2
  virga local start web --net red,ip=10.0.0.10
  virga local start old --kernel Image --initrd root.cpio --append console=ttyS0`

/** Adds the command to its group. */
export function addLocalStartCommand(local: Command): void {
  local
    .command('start')
    .description('make a machine and start it, or start it again')
    .argument('<name>', 'what it is called: letters, digits, hyphens')
    .option('--image <name>', 'image to boot (default: micro)')
    .option('--kernel <file>', 'kernel to boot instead of an image')
    .option('--initrd <file>', 'initial RAM disk for --kernel')
    .option('--append <text>', "text added to the kernel's command line (with --kernel: all of it)")
    .option('--cpus <n>', 'harts, 1 to 64 (default: 1)')
    .option('--memory <size>', 'memory of the machine (default: 512MiB)')
    .option('--disk <file>', 'a disk, FILE[,readonly][,format=raw|qcow2]; again for more', collect)
    .option('--net <network>', 'a network device, NETWORK[,ip=ADDRESS][,mac=MAC]; again for more', collect)
    .addHelpText('after', help)
    .action(async (name: string, flags: StartFlags) => {
      await withHost((host) => start(host, name, flags))
    })
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

async function start(host: HostClient, name: string, flags: StartFlags): Promise<Result<string>> {
  const list = await host.machines()
  if (!list.ok) return list
  const isNew = !list.value.machines.some(({ record }) => record.name === name)
  if (!isNew && Object.keys(flags).length > 0) {
    return userError(
      `machine ${name} is there already; start it without options, or remove it first with \`virga local rm ${name}\``,
    )
  }
  if (isNew) {
    const made = await create(host, name, flags)
    if (!made.ok) return made
  }
  const started = await host.move(name, 'start')
  if (started.ok) return ok(`machine ${name} runs; its console: virga local console ${name}\n`)
  // What never ran is not kept: the next attempt may give other options.
  if (isNew) await host.remove(name, true)
  return started
}

async function create(host: HostClient, name: string, flags: StartFlags): Promise<Result<unknown>> {
  const record = await recordOf(name, flags)
  if (!record.ok) return record
  if ('image' in record.value.boot) {
    // Here, where somebody sees how far it is.
    const [{ parseImageName }, { pull }] = await Promise.all([
      import('@virga/guest'),
      import('../image-store.ts'),
    ])
    const image = parseImageName(record.value.boot.image)
    const pulled = image.ok ? await pull(image.value) : image
    if (!pulled.ok) return pulled
  }
  return await host.create(record.value)
}

async function recordOf(name: string, flags: StartFlags): Promise<Result<WantedMachine>> {
  const { image, kernel, initrd, append, cpus = '1', memory = '512MiB' } = flags
  if (!/^\d+$/.test(cpus)) return userError(`--cpus takes a whole number from 1 to 64, not '${cpus}'`)
  if (kernel !== undefined && image !== undefined)
    return userError('--kernel boots instead of an image; leave out --image or --kernel')
  if (initrd !== undefined && kernel === undefined)
    return userError('--initrd goes with --kernel; add --kernel FILE')
  const memoryBytes = parseBytes('--memory', memory)
  if (!memoryBytes.ok) return memoryBytes
  const interfaces = interfacesOf(flags.net ?? [])
  if (!interfaces.ok) return interfaces
  const disks: WantedMachine['disks'] = []
  for (const text of flags.disk ?? []) {
    const disk = parseDisk(text)
    if (!disk.ok) return disk
    // The host's process runs in another folder.
    disks.push({ ...disk.value, path: resolve(disk.value.path) })
  }
  const { wantedMachine } = await import('@virga/host')
  const read = wantedMachine.safeParse({
    name,
    boot:
      kernel === undefined
        ? { image: image ?? 'micro' }
        : { kernel: resolve(kernel), ...(initrd !== undefined && { initrd: resolve(initrd) }) },
    ...(append !== undefined && { append }),
    cpus: Number(cpus),
    memoryBytes: memoryBytes.value - (memoryBytes.value % 4096),
    disks,
    ...(interfaces.value.length > 0 && { interfaces: interfaces.value }),
  })
  if (read.success) return ok(read.data)
  const [issue] = read.error.issues
  const what = { memoryBytes: `--memory ${memory}`, cpus: `--cpus ${cpus}`, name: `'${name}'` }
  const where = String(issue?.path[0])
  return userError(`${what[where as keyof typeof what] ?? where}: ${issue?.message}`)
}

/** `NETWORK[,ip=ADDRESS][,mac=MAC]`, each. */
function interfacesOf(texts: readonly string[]): Result<NonNullable<WantedMachine['interfaces']>> {
  const interfaces: NonNullable<WantedMachine['interfaces']> = []
  for (const text of texts) {
    const [network = '', ...options] = text.split(',')
    const wanted: (typeof interfaces)[number] = { network }
    for (const option of options) {
      const [, key, value = ''] = /^(ip|mac)=(.+)$/.exec(option) ?? []
      if (key === 'ip') wanted.address = value
      else if (key === 'mac') wanted.mac = value
      else return userError(`--net ${text}: takes ip=ADDRESS and mac=MAC behind the network, not '${option}'`)
    }
    interfaces.push(wanted)
  }
  return ok(interfaces)
}
