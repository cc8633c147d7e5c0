/** The host from outside: a call for each thing that it can be asked. Errors are the host's own lines. */

import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { err, ok, type Result, worldError } from '@virga/base'
import type { ZodType } from 'zod'
import * as z from 'zod'
import {
  consoleProtocol,
  type HostStatus,
  hostStatus,
  type MachineList,
  type MachineStatus,
  machineList,
  machineStatus,
  networkList,
  printed,
  problem,
  type TraceAnswer,
  type TraceQuestion,
  traceAnswer,
  type wantedNetwork,
} from '../control/messages.ts'
import type { WantedMachine } from '../records/machine-record.ts'

/** Nobody listens there: no host runs. */
export const noHost: unique symbol = Symbol('no host')

type NetworkList = z.infer<typeof networkList>
type WantedNetwork = z.infer<typeof wantedNetwork>
type Method = 'GET' | 'POST' | 'DELETE'

const nothing = z.object({})

/** How often to look whether a host has gone. */
const goneMs = 50

export class HostClient {
  readonly #socketPath: string

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /** What the host is; `noHost` when there is none. */
  async status(): Promise<Result<HostStatus> | typeof noHost> {
    try {
      return await this.#exchange('GET', '/host', hostStatus)
    } catch (cause) {
      if (isAbsence(cause)) return noHost
      throw cause
    }
  }

  /** Whether somebody listens, whatever they answer. */
  async isThere(): Promise<boolean> {
    return (await this.status()) !== noHost
  }

  /** Resolves when nobody listens any more. */
  async gone(): Promise<void> {
    while (await this.isThere()) await new Promise((resolve) => setTimeout(resolve, goneMs))
  }

  shutdown(): Promise<Result<unknown>> {
    return this.#call('POST', '/host/shutdown', nothing)
  }

  machines(): Promise<Result<MachineList>> {
    return this.#call('GET', '/machines', machineList)
  }

  machine(name: string): Promise<Result<MachineStatus>> {
    return this.#call('GET', pathOf(name), machineStatus)
  }

  networks(): Promise<Result<NetworkList>> {
    return this.#call('GET', '/networks', networkList)
  }

  createNetwork(network: WantedNetwork): Promise<Result<unknown>> {
    return this.#call('POST', '/networks', nothing, network)
  }

  removeNetwork(name: string): Promise<Result<unknown>> {
    return this.#call('DELETE', `/networks/${encodeURIComponent(name)}`, nothing)
  }

  /** What would become of a packet of a machine. */
  trace(network: string, question: TraceQuestion): Promise<Result<TraceAnswer>> {
    return this.#call('POST', `/networks/${encodeURIComponent(network)}/trace`, traceAnswer, question)
  }

  create(record: WantedMachine): Promise<Result<MachineStatus>> {
    return this.#call('POST', '/machines', machineStatus, record)
  }

  /** Makes a move; resolves when it is made. */
  move(name: string, move: 'start' | 'pause' | 'resume' | 'stop'): Promise<Result<unknown>> {
    return this.#call('POST', `${pathOf(name)}/${move}`, nothing)
  }

  remove(name: string, force: boolean): Promise<Result<unknown>> {
    return this.#call('DELETE', `${pathOf(name)}${force ? '?force' : ''}`, nothing)
  }

  /** What is kept of what a machine printed. */
  async printed(name: string): Promise<Result<string>> {
    const answer = await this.#call('GET', `${pathOf(name)}/printed`, printed)
    return answer.ok ? ok(answer.value.text) : answer
  }

  /** Connects to a machine's console: what it reads is what the guest prints, what is written to it is typed. */
  async console(name: string): Promise<Result<Socket>> {
    const headers = { connection: 'Upgrade', upgrade: consoleProtocol }
    const asking = request({ socketPath: this.#socketPath, path: `${pathOf(name)}/console`, headers })
    try {
      return await new Promise((resolve, reject) => {
        asking.on('error', reject)
        asking.on('upgrade', (_answer, socket, head) => {
          if (head.length > 0) socket.unshift(head)
          // Over a socket path it is a socket, and nothing is laid over it.
          resolve(ok(socket as Socket))
        })
        asking.on('response', (answer) => {
          readWhole(answer).then((text) => resolve(errorOf(answer.statusCode ?? 0, text)), reject)
        })
        asking.end()
      })
    } catch (cause) {
      return lost(cause)
    }
  }

  async #call<T>(method: Method, path: string, schema: ZodType<T>, body?: unknown): Promise<Result<T>> {
    try {
      return await this.#exchange(method, path, schema, body)
    } catch (cause) {
      return lost(cause)
    }
  }

  async #exchange<T>(method: Method, path: string, schema: ZodType<T>, body?: unknown): Promise<Result<T>> {
    const asking = request({
      socketPath: this.#socketPath,
      method,
      path,
      agent: false,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
    })
    asking.end(body === undefined ? undefined : JSON.stringify(body))
    const answer = await answerOf(asking)
    const text = await readWhole(answer)
    const status = answer.statusCode ?? 0
    if (status >= 400) return errorOf(status, text)
    const read = schema.safeParse(parsed(text))
    return read.success ? ok(read.data) : otherVersion(read.error)
  }
}

function pathOf(name: string): string {
  return `/machines/${encodeURIComponent(name)}`
}

function answerOf(asking: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asking.on('response', resolve)
    asking.on('error', reject)
  })
}

async function readWhole(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The schema says what it is not.
    return undefined
  }
}

function errorOf(status: number, text: string): Result<never> {
  const read = problem.safeParse(parsed(text))
  if (read.success) return err({ fault: read.data.fault, message: read.data.title })
  return worldError(`the host failed (HTTP ${status}); its log may say why: \`virga local log\``, text)
}

/** The answer of a host that this command does not understand. */
export function otherVersion(cause?: unknown): Result<never> {
  return worldError(
    'the host that runs is of another version of Virga; stop it with `virga local shutdown` (its machines end), and try again',
    cause,
  )
}

function isAbsence(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return code === 'ENOENT' || code === 'ECONNREFUSED'
}

function lost(cause: unknown): Result<never> {
  return worldError(
    isAbsence(cause)
      ? 'no host runs; `virga local list` starts one'
      : 'the host ended before it answered; its log may say why: `virga local log`',
    cause,
  )
}
