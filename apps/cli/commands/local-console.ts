/** `virga local console`: the console of a machine, on this terminal or pipe. */

import type { Socket } from 'node:net'
import { ok, type Result } from '@virga/base'
import type { HostClient } from '@virga/host'
import type { Command } from 'commander'
import { openPipe, openTerminal } from '../console-input.ts'
import { consoleHelp } from '../escape-filter.ts'
import { withHost } from '../local-host.ts'

const help = `
Begins with what the machine printed of late. Keys: Ctrl-A x leaves (the machine goes on), Ctrl-A h helps, all others are
the guest's. Input from a pipe is typed in; the command ends when the machine has then been silent for two seconds.

Examples:
  virga local console web
  echo 'uptime' | virga local console web
  virga local console web --print`

/** How long a machine is listened to after the last of a pipe was typed. */
const silentMs = 2000

/** Adds the command to its group. */
export function addLocalConsoleCommand(local: Command): void {
  local
    .command('console')
    .description('connect to the console of a machine')
    .argument('<name>', 'the machine')
    .option('--print', 'print what is kept of it, and leave')
    .addHelpText('after', help)
    .action(async (name: string, { print }: { print?: true }) => {
      await withHost((host) => connect(host, name, print === true))
    })
}

async function connect(host: HostClient, name: string, isPrinted: boolean): Promise<Result<string>> {
  if (isPrinted) return await host.printed(name)
  const console = await host.console(name)
  if (!console.ok) return console
  const socket = console.value
  const source = process.stdin.isTTY ? openKeys(socket) : openInput(socket)
  try {
    for await (const chunk of socket) {
      source.heard()
      if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve))
    }
    return ok('')
  } finally {
    source.close()
  }
}

/** Where what is typed comes from; hears that the guest printed something. */
interface Source {
  heard(): void
  close(): void
}

function openKeys(socket: Socket): Source {
  const terminal = openTerminal({
    input: process.stdin,
    onBytes: (bytes) => void socket.write(bytes),
    onCommand: (command) => {
      if (command === 'leave') socket.end()
      else process.stderr.write(consoleHelp)
    },
  })
  return { heard: () => undefined, close: () => terminal.close() }
}

function openInput(socket: Socket): Source {
  let timer: NodeJS.Timeout | undefined
  const pipe = openPipe({
    input: process.stdin,
    onBytes: async (bytes) => {
      if (!socket.write(bytes)) await new Promise((resolve) => socket.once('drain', resolve))
    },
    onEnd: () => {
      timer = setTimeout(() => socket.end(), silentMs)
    },
  })
  return {
    heard: () => timer?.refresh(),
    close: () => {
      clearTimeout(timer)
      pipe.close()
    },
  }
}
