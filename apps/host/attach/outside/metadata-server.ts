/**
 * What machines are told about themselves, in the form of Hetzner's metadata service, which cloud-init and our own guests
 * ask. Who asks is known by the port that the connection came in by: a machine learns of itself and of no other.
 */

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'

/** What a machine is told. Structured-clone safe. */
export interface Instance {
  /** changes when the machine is another: then its guest sets itself up anew */
  readonly instanceId: string
  readonly hostName: string
  /** as in authorized_keys, one each */
  readonly publicKeys: readonly string[]
  readonly localAddress: string
  /** a script or a #cloud-config, or empty */
  readonly userData: string
}

/** A connection that sends nothing for so long is closed. */
const idleMsMax = 10_000

export class MetadataServer {
  readonly #instances = new Map<string, Instance>()
  /** the port that each connection came in by */
  readonly #ports = new WeakMap<object, string>()
  readonly #server: Server

  constructor() {
    const listener = getRequestListener((request, { incoming }) =>
      metadataApp(this.#instanceOf(incoming as IncomingMessage)).fetch(request),
    )
    this.#server = createServer({ requestTimeout: idleMsMax, keepAliveTimeout: idleMsMax }, listener)
  }

  /** Sets what the machine at a port is told; undefined: nothing any more. */
  set(port: string, instance: Instance | undefined): void {
    if (instance === undefined) this.#instances.delete(port)
    else this.#instances.set(port, instance)
  }

  /** Answers on a connection of a machine. */
  serve(port: string, connection: Duplex): void {
    this.#ports.set(connection, port)
    this.#server.emit('connection', connection)
  }

  #instanceOf({ socket }: IncomingMessage): Instance | undefined {
    const port = this.#ports.get(socket)
    return port === undefined ? undefined : this.#instances.get(port)
  }
}

/** The routes, for one machine. */
function metadataApp(instance: Instance | undefined): Hono {
  const app = new Hono()
  if (instance === undefined) return app
  const { instanceId, hostName, publicKeys, localAddress, userData } = instance
  const all = {
    hostname: hostName,
    'instance-id': instanceId,
    'public-keys': publicKeys,
    'local-ipv4': localAddress,
    'availability-zone': 'local',
    region: 'local',
  }
  // JSON is YAML, and what is in it needs no other quoting.
  app.get('/hetzner/v1/metadata', (c) => c.text(`${JSON.stringify(all, null, 2)}\n`))
  for (const [name, value] of Object.entries(all))
    app.get(`/hetzner/v1/metadata/${name}`, (c) =>
      c.text(typeof value === 'string' ? value : JSON.stringify(value)),
    )
  app.get('/hetzner/v1/userdata', (c) =>
    c.body(userData, 200, { 'content-type': 'application/octet-stream' }),
  )
  return app
}
