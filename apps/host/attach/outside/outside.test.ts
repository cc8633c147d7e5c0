/** Machines that speak with real servers on this computer, by way of the fabric's gateway; the machine's TCP is played by hand. */
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { seededRandom } from '@virga/base'
import { attachMetadata, Gateway } from '@virga/fabric/gateway'
import { cidr, ip, World } from '@virga/fabric/testing'
import { tcpFlag } from '@virga/packet'
import { encodeDnsReply, readDnsQuery } from '@virga/packet/messages'
import { type Payload, parsed } from '@virga/packet/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { MachineTcp, segmentOf } from '../../testing/machine-tcp.ts'
import { ByteRing, ringMemory } from './byte-ring.ts'
import { isLoopback, OutsideLink } from './outside-link.ts'
import { OutsideLoop } from './outside-loop.ts'

const { syn, ack, fin, rst, psh } = tcpFlag
const ringBytes = 1 << 20

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A network whose gateway has real sockets behind it, and machine `m`, 10.0.0.10. */
function outside(nameServers: readonly string[] = []) {
  const memories = [ringMemory(ringBytes), ringMemory(ringBytes)] as const
  const rings = { toSockets: new ByteRing(memories[0]), toFabric: new ByteRing(memories[1]) }
  const metadata = createHttpServer((request, answer) => answer.end(`${request.url} of ${ports.shift()}`))
  const ports: string[] = []
  const link = new OutsideLink({
    ...rings,
    comeIn: (forward, remote, listener) => {
      const from = isLoopback(remote) ? { address: ip('100.64.0.1'), port: remote.port } : remote
      return gateway.connect(port, { address: ip('10.0.0.10'), port: forward }, from, listener)
    },
  })
  const world = new World({ dnsForward: link.askName })
  const { index } = world.add('m', 10, {}, 31)
  const port = { id: 'm', index }
  const random = seededRandom(4)
  const gateway = new Gateway({
    network: world.network,
    policy: { allow: [{ cidr: cidr('127.0.0.0/8') }], hostAddresses: [] },
    accept: link.accept,
    open: link.open,
    random,
  })
  world.network.setRoutes([{ destination: cidr('0.0.0.0/0'), target: 'gateway' }])
  world.network.setGateway(gateway)
  const services = attachMetadata(world.network, link.acceptMetadata, random)
  const loop = new OutsideLoop({
    ...rings,
    wakeFabric: () => setImmediate(serve),
    onMetadata: (name, connection) => {
      ports.push(name)
      metadata.emit('connection', connection)
    },
    nameServers,
  })
  const machine = new Machine(world)
  const serve = () => {
    while (link.serve());
    world.network.flush()
  }
  const clock = setInterval(() => {
    world.nowMs += 10
    gateway.tick(world.nowMs)
    services.tick(world.nowMs)
    serve()
  }, 10)
  void loop.run()
  ends.push(() => {
    clearInterval(clock)
    loop.close()
  })
  return { world, gateway, link, loop, machine }
}

/** Machine `m`: hands what arrives to its connections. */
class Machine {
  readonly datagrams: { data: string; port: number }[] = []
  readonly errors: { type: number; code: number }[] = []
  readonly greeted: { port: number; remote: string; remotePort: number }[] = []
  readonly #connections = new Map<number, MachineTcp>()
  readonly #world: World
  #nextPort = 40_000

  constructor(world: World) {
    this.#world = world
    const clock = setInterval(() => this.#listen(), 2)
    ends.push(() => clearInterval(clock))
  }

  connect(to: string, port: number): MachineTcp {
    const connection = this.serve(to, port, this.#nextPort++)
    connection.open()
    return connection
  }

  /** A connection of a port of the machine's own. */
  serve(remote: string, remotePort: number, port: number): MachineTcp {
    const send = (payload: Payload) => void this.#world.send('m', remote, payload)
    const connection = new MachineTcp(send, remotePort, port)
    this.#connections.set(port, connection)
    return connection
  }

  ask(to: string, port: number, data: string | Uint8Array): void {
    this.#world.send('m', to, {
      kind: 'udp',
      sourcePort: 3000,
      destinationPort: port,
      data: typeof data === 'string' ? new TextEncoder().encode(data) : data,
    })
  }

  #listen(): void {
    for (const { frame } of this.#world.machine('m').receiver.take()) {
      const packet = parsed(frame)
      const at = packet.transportAt
      const segment = segmentOf(frame)
      if (segment !== undefined) {
        const { ownPort: port, remote, remotePort } = segment
        const connection = this.#connections.get(port)
        if (connection !== undefined) connection.hear(segment)
        else if ((segment.tcp.flags & syn) !== 0) {
          this.greeted.push({ port, remote, remotePort })
          const incoming = this.serve(remote, remotePort, port)
          incoming.hear(segment)
          incoming.greet()
        }
      } else if (packet.protocol === 17) {
        const data = Buffer.from(frame.subarray(at + 8, packet.ipEnd))
        this.datagrams.push({ data: data.toString('latin1'), port: packet.sourcePort })
      } else if (packet.protocol === 1) this.errors.push({ type: packet.icmpType, code: packet.icmpCode })
    }
  }

  connectionOf(port: number): MachineTcp {
    const connection = this.#connections.get(port)
    if (connection === undefined) throw new Error(`somebody is on port ${port}`)
    return connection
  }
}

/** A server of this computer, and its port. */
async function server(onSocket: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const listening = createServer({ allowHalfOpen: true }, onSocket).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  ends.push(() => listening.close())
  return { port: (listening.address() as AddressInfo).port, server: listening } // it listens on a port
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const noise = (length: number) => {
  const random = seededRandom(length)
  return Uint8Array.from({ length }, () => random())
}

describe('TCP to the outside', () => {
  it('reaches a server, carries both ways, and ends in order', async () => {
    const { port } = await server((socket) => {
      socket.on('data', (data) => socket.write(`got ${data}`))
      socket.on('end', () => socket.end('bye'))
    })
    const { machine, link, loop } = outside()
    const connection = machine.connect('127.0.0.1', port)
    await connection.isOpen()
    connection.say(ack | psh, new TextEncoder().encode('hello'))
    await connection.until(() => connection.text() === 'got hello')
    connection.say(fin | ack)
    await connection.until(() => connection.text() === 'got hellobye' && (connection.flags & fin) !== 0)
    await connection.until(() => link.count === 0 && loop.count === 0)
  })

  it('carries megabytes each way, unchanged', async () => {
    const [up, down] = [noise(1_500_000), noise(3_000_000)]
    let got = Buffer.alloc(0)
    const { port } = await server((socket) => {
      socket.on('data', (data: Buffer) => {
        got = Buffer.concat([got, data])
      })
      socket.end(down)
    })
    const { machine } = outside()
    const connection = machine.connect('127.0.0.1', port)
    await connection.isOpen()
    await connection.send(up)
    await connection.until(() => connection.bytesReceived === down.length && got.length === up.length)
    expect([digest(Buffer.concat(connection.received)), digest(got)]).toEqual([digest(down), digest(up)])
  })

  it('stops a server that sends more than its machine takes', async () => {
    let written = 0
    const chunk = noise(1 << 16)
    const { port } = await server((socket) => {
      const more = () => {
        while (written < 1 << 26) {
          written += chunk.length
          if (!socket.write(chunk)) return
        }
      }
      socket.on('drain', more)
      socket.on('error', () => undefined)
      more()
    })
    const { machine, loop } = outside()
    const connection = machine.connect('127.0.0.1', port)
    await connection.isOpen()
    connection.isSilent = true
    let before = -1
    while (written !== before) {
      before = written
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    expect(written).toBeLessThan(1 << 25)
    expect(loop.count).toBe(1)
    connection.say(rst)
    await connection.until(() => loop.count === 0)
  })

  it('is told that nobody listens, by a reset', async () => {
    const { port, server: gone } = await server(() => undefined)
    gone.close()
    await once(gone, 'close')
    const { machine, link } = outside()
    const connection = machine.connect('127.0.0.1', port)
    await connection.until(() => (connection.flags & rst) !== 0)
    expect([connection.flags & syn, link.count]).toEqual([0, 0])
  })

  it('is broken off on both sides when a server breaks it off, or a port is taken away', async () => {
    const sockets: Socket[] = []
    const { port } = await server((socket) => sockets.push(socket.on('error', () => undefined)))
    const { machine, world, link, loop } = outside()
    const [first, second] = [machine.connect('127.0.0.1', port), machine.connect('127.0.0.1', port)]
    await first.isOpen()
    await second.isOpen()
    await first.until(() => sockets.length === 2)
    sockets[0]?.resetAndDestroy()
    await first.until(() => link.count === 1)
    await first.until(() => ((first.flags | second.flags) & rst) !== 0)
    world.network.removePort('m')
    link.removePort('m')
    await first.until(() => loop.count === 0 && sockets.every((socket) => socket.destroyed))
  })
})

describe('the host’s own networks', () => {
  it('are closed', async () => {
    const { machine, link } = outside()
    machine.connect('192.168.1.1', 80)
    machine.connect('172.16.0.1', 80)
    await expect
      .poll(() => machine.errors)
      .toEqual([
        { type: 3, code: 13 },
        { type: 3, code: 13 },
      ])
    expect(link.count).toBe(0)
  })
})

describe('UDP', () => {
  it('is asked and answered from the same port', async () => {
    const echo = createSocket('udp4', (data, { port, address }) => echo.send(`${data}!`, port, address))
    echo.bind(0, '127.0.0.1')
    await once(echo, 'listening')
    ends.push(() => echo.close())
    const { machine } = outside()
    const { port } = echo.address()
    machine.ask('127.0.0.1', port, 'ping')
    await expect.poll(() => machine.datagrams).toEqual([{ data: 'ping!', port }])
  })

  it('brings names from the name servers of this computer', async () => {
    const asked: string[] = []
    const names = createSocket('udp4', (data, from) => {
      const query = readDnsQuery(data)
      if (query === undefined) return
      asked.push(query.name)
      const answers = [{ name: query.name, type: 'A' as const, ttl: 60, data: '198.51.100.7' }]
      names.send(encodeDnsReply(query, { rcode: 0, authoritative: false, answers }), from.port, from.address)
    })
    names.bind(0, '127.0.0.1')
    await once(names, 'listening')
    ends.push(() => names.close())
    const { machine } = outside([`127.0.0.1:${names.address().port}`])
    // A query for the A record of a.example, by hand.
    const query = Buffer.from('abcd010000010000000000000161076578616d706c650000010001', 'hex')
    machine.ask('10.0.0.2', 53, query)
    await expect.poll(() => machine.datagrams.length).toBe(1)
    expect(asked).toEqual(['a.example'])
    expect(Buffer.from(machine.datagrams[0]?.data ?? '', 'latin1').toString('hex')).toMatch(/c6336407$/)
  })
})

describe('a forward', () => {
  it('brings who connects there to the machine, whose answers go back', async () => {
    const { machine, loop } = outside()
    const port = await loop.listen({ number: 22, address: '127.0.0.1', port: 0 })
    const client = connect(port, '127.0.0.1').setEncoding('utf8')
    ends.push(() => client.destroy())
    client.write('hi')
    await expect.poll(() => machine.greeted).toMatchObject([{ port: 22, remote: '100.64.0.1' }])
    const incoming = machine.connectionOf(22)
    await incoming.until(() => incoming.text() === 'hi')
    incoming.say(ack | psh, new TextEncoder().encode('SSH-2.0'))
    expect((await once(client, 'data'))[0]).toBe('SSH-2.0')
    client.end()
    await incoming.until(() => (incoming.flags & fin) !== 0)
    incoming.say(fin | ack)
    await incoming.until(() => loop.count === 0)
  })

  it('listens no more when it is taken away', async () => {
    const { loop } = outside()
    const port = await loop.listen({ number: 22, address: '127.0.0.1', port: 0 })
    loop.unlisten(22)
    const client = connect(port, '127.0.0.1')
    expect((await once(client, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('metadata', () => {
  it('is answered by who knows the port that asked', async () => {
    const { machine } = outside()
    const connection = machine.connect('169.254.169.254', 80)
    await connection.isOpen()
    const request = 'GET /hostname HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    connection.say(ack | psh, new TextEncoder().encode(request))
    await connection.until(() => /\r\n\r\n\/hostname of m$/.test(connection.text()))
  })
})
