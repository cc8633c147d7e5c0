/** The host over HTTP: parses, calls the host, renders. Nothing is decided here. */

import { defined, parseIp, type Result, type WorldError } from '@virga/base'
import { type Context, Hono } from 'hono'
import type { ZodType } from 'zod'
import type { Host } from '../host.ts'
import type { HostedMachine } from '../machine/hosted-machine.ts'
import { wantedMachine } from '../records/machine-record.ts'
import {
  type HostStatus,
  type MachineStatus,
  protocolVersion,
  traceQuestion,
  wantedNetwork,
} from './messages.ts'

/** What the routes are about. */
export interface ControlOptions {
  readonly host: Host
  readonly startedAtMs: number
  /** ends the process, once the answer is out */
  readonly shutdown: () => void
}

const frameBytes = 4096

/** The routes. */
export function controlApp({ host, startedAtMs, shutdown }: ControlOptions): Hono {
  const app = new Hono()
  app.get('/host', (c) => c.json(statusOf(host, startedAtMs)))
  app.post('/host/shutdown', (c) => {
    shutdown()
    return c.json({})
  })
  app.get('/machines', (c) =>
    c.json({
      machines: host.machines().map(machineStatusOf),
      faults: host.faults.map(({ message }) => message),
    }),
  )
  app.post('/machines', async (c) => {
    const record = await bodyOf(c, wantedMachine)
    if (!record.ok) return fail(c, record.error)
    const made = await host.create(record.value)
    return made.ok ? c.json(machineStatusOf(made.value), 201) : fail(c, made.error)
  })
  app.get('/machines/:name', (c) => {
    const machine = host.machine(c.req.param('name'))
    return machine.ok ? c.json(machineStatusOf(machine.value)) : fail(c, machine.error)
  })
  app.get('/machines/:name/printed', (c) => {
    const machine = host.machine(c.req.param('name'))
    return machine.ok ? c.json({ text: machine.value.printed() }) : fail(c, machine.error)
  })
  app.delete('/machines/:name', async (c) =>
    done(c, await host.remove(c.req.param('name'), c.req.query('force') !== undefined)),
  )
  app.post('/machines/:name/start', async (c) => done(c, await host.start(c.req.param('name'))))
  for (const move of ['pause', 'resume', 'stop'] as const) {
    app.post(`/machines/:name/${move}`, async (c) => {
      const machine = host.machine(c.req.param('name'))
      return machine.ok ? done(c, await machine.value[move]()) : fail(c, machine.error)
    })
  }
  addNetworkRoutes(app, host)
  app.notFound((c) => fail(c, { fault: 'user', message: `the host knows no ${c.req.method} ${c.req.path}` }))
  return app
}

function addNetworkRoutes(app: Hono, host: Host): void {
  app.get('/networks', (c) => c.json({ networks: host.networks.all() }))
  app.post('/networks', async (c) => {
    const wanted = await bodyOf(c, wantedNetwork)
    return done(c, wanted.ok ? await host.networks.create(wanted.value) : wanted)
  })
  app.delete('/networks/:name', async (c) => done(c, await host.removeNetwork(c.req.param('name'))))
  app.post('/networks/:name/trace', async (c) => {
    const question = await bodyOf(c, traceQuestion)
    if (!question.ok) return fail(c, question.error)
    const { machine, protocol, port } = question.value
    // What the schema let through is one.
    const destination = defined(parseIp(question.value.destination), 'an address')
    const asked = { protocol, port, destination }
    const trace = await host.networks.trace(c.req.param('name'), machine, asked)
    return trace.ok ? c.json(trace.value) : fail(c, trace.error)
  })
}

function statusOf(host: Host, startedAtMs: number): HostStatus {
  return {
    protocol: protocolVersion,
    pid: process.pid,
    startedAtMs,
    machines: host.machines().length,
    running: host.activeCount,
    faults: host.faults.map(({ message }) => message),
  }
}

/** A machine as it is told. */
export function machineStatusOf(machine: HostedMachine): MachineStatus {
  const statistics = machine.statistics()
  return {
    record: machine.record,
    state: machine.state,
    ...(machine.note !== undefined && { note: machine.note }),
    ...(statistics !== undefined && {
      use: {
        wallMs: statistics.wallMs,
        instructions: statistics.instructions,
        memoryBytes: statistics.memory.framesTaken * frameBytes,
        harts: statistics.harts.map(({ instructions, idleMs }) => ({ instructions, idleMs })),
      },
    }),
  }
}

async function bodyOf<T>(c: Context, schema: ZodType<T>): Promise<Result<T>> {
  const read = schema.safeParse(await c.req.json().catch(() => undefined))
  if (read.success) return { ok: true, value: read.data }
  const [issue] = read.error.issues
  const message = `${issue?.path.join('.') || 'the request'} ${issue?.message}`
  return { ok: false, error: { fault: 'user', message } }
}

function done(c: Context, result: Result<unknown>): Response {
  return result.ok ? c.json({}) : fail(c, result.error)
}

function fail(c: Context, { fault, message }: WorldError): Response {
  const status = fault === 'user' ? 422 : 500
  return c.json({ type: 'about:blank', title: message, status, fault }, status, {
    'content-type': 'application/problem+json',
  })
}
