/**
 * A machine's console over HTTP: the connection is upgraded and carries bytes from then on. It ends when nothing of the
 * machine runs any more, when the other side leaves, or when that has not read for so long that the machine would stand.
 */

import { once } from 'node:events'
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Host } from '../host.ts'
import type { HostedMachine } from '../machine/hosted-machine.ts'
import { consoleProtocol } from './messages.ts'

/** How long a machine waits for somebody who reads its console. */
const patienceMs = 3000

/** Answers a request to upgrade. */
export function upgradeConsole(host: Host, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  // Who leaves without a word has left.
  socket.on('error', () => socket.destroy())
  const [, name] = /^\/machines\/([^/?]+)\/console$/.exec(request.url ?? '') ?? []
  if (name === undefined || request.headers.upgrade !== consoleProtocol)
    return refuse(socket, 404, 'no console')
  const machine = host.machine(name)
  if (!machine.ok) return refuse(socket, 422, machine.error.message)
  socket.write(
    `HTTP/1.1 101 ${STATUS_CODES[101]}\r\nConnection: Upgrade\r\nUpgrade: ${consoleProtocol}\r\n\r\n`,
  )
  connect(machine.value, socket, head)
}

function refuse(socket: Duplex, status: number, title: string): void {
  const body = JSON.stringify({ type: 'about:blank', title, status, fault: 'user' })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

function connect(machine: HostedMachine, socket: Duplex, head: Buffer): void {
  const detach = machine.read(async (bytes) => {
    if (socket.destroyed || socket.write(bytes)) return
    await Promise.race([once(socket, 'drain'), once(socket, 'close'), sleep(patienceMs)]).catch(
      () => undefined,
    )
    if (socket.writableNeedDrain) socket.destroy()
  })
  void machine.settled().then(() => socket.end())
  let typing = Promise.resolve()
  const type = (bytes: Uint8Array) => {
    socket.pause()
    typing = typing.then(() => machine.type(bytes)).then(() => void socket.resume())
  }
  if (head.length > 0) type(head)
  socket.on('data', type)
  socket.on('close', detach)
  // Whoever closes his end has left; what is on its way to the guest arrives.
  socket.on('end', () => socket.end())
}
