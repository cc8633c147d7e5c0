/** One question to the name servers of this computer, as a machine asked it: passed on and back as it is. */

import { createSocket } from 'node:dgram'
import { familyOf, formatIp, parseIp } from '@virga/base'
import type { Endpoint } from '@virga/fabric/gateway'

/** How long one server is waited for, and how many are asked. */
const [answerMsMax, serversMax] = [2500, 3]
const headerBytes = 12

/** Asks one server after another; undefined when none answers. `servers` are as Node's `dns.getServers` gives them. */
export async function askName(
  query: Uint8Array,
  servers: readonly string[],
): Promise<Uint8Array | undefined> {
  for (const text of servers.slice(0, serversMax)) {
    const server = endpointOfServer(text)
    const answer = server && (await askServer(query, server))
    if (answer !== undefined) return answer
  }
  return undefined
}

/** Reads `9.9.9.9`, `9.9.9.9:53`, `2620:fe::fe` or `[2620:fe::fe]:53`. */
function endpointOfServer(text: string): Endpoint | undefined {
  const [, inner, port] = /^\[(.*)\]:(\d+)$/.exec(text) ?? /^([\d.]+):(\d+)$/.exec(text) ?? []
  const address = parseIp(inner ?? text)
  return address && { address, port: Number(port ?? 53) }
}

/** A socket of its own for each question: its port is as hard to guess as the system makes it. */
function askServer(query: Uint8Array, { address, port }: Endpoint): Promise<Uint8Array | undefined> {
  const socket = createSocket(familyOf(address) === 4 ? 'udp4' : 'udp6')
  return new Promise<Uint8Array | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), answerMsMax)
    socket.on('error', () => resolve(undefined))
    socket.on('message', (answer) => {
      if (answer.length >= headerBytes && answer[0] === query[0] && answer[1] === query[1]) resolve(answer)
    })
    // Connected, so that nobody else is heard, and a closed port is told.
    socket.connect(port, formatIp(address), () => socket.send(query))
    socket.once('close', () => clearTimeout(timer))
  }).finally(() => socket.close())
}
