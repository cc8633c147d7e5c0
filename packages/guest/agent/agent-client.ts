/**
 * The agent's host side: commands in a guest, over whatever carries bytes to the port `virga.agent`.
 *
 *   AgentClient ── send ──▶ port ──▶ guest        receive ◀── port ◀── guest
 *      session 1   exec … in … end                   out … err … ack … exit
 *      session 2   …
 *
 * Why sessions: commands run side by side, and none waits for another's output.
 * Invariants: a guest is believed nothing; what it says of a session that there is not is dropped; how much output is
 * kept is bounded by the caller. No session outlives the connection or the agent that began it.
 */

import { ok, type Result, worldError } from '@virga/base'
import {
  agentVersion,
  bodyBytesMax,
  encodeHostMessage,
  type GuestMessage,
  GuestMessageReader,
  type HostMessage,
  inputWindowBytes,
  sessionIdMax,
} from './frame.ts'

/** Most sessions at a time: each is some ten processes in the guest. */
const sessionCountMax = 16

/** What to run. */
export interface AgentCommand {
  /** Text for sh, at most 16 KiB. */
  readonly command: string
  /** Its standard input; none: it is empty. */
  readonly input?: Uint8Array
  /** Called with each piece of output; a session is not slowed by it. */
  readonly onOutput: (stream: 'out' | 'err', bytes: Uint8Array) => void
}

/** How a command ended, and all it printed. */
export interface AgentRun {
  /** 0 to 255 */
  readonly status: number
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

/** What a machine tells of itself when it is as its user wants it. */
export interface ReadyNotice {
  readonly hostname: string
  /** By device: `eth0/10.0.0.2/24`. At most 64. */
  readonly addresses: readonly string[]
  /** The number that the metadata service gave it. */
  readonly instance?: string
}

interface Session {
  readonly id: number
  readonly onOutput: AgentCommand['onOutput']
  readonly finish: (result: Result<number>) => void
  readonly input: Uint8Array
  sentBytes: number
  ackedBytes: number
}

/** One connection. Whoever made it hands in what the guest sends, and says when it ends. */
export class AgentClient {
  readonly #send: (bytes: Uint8Array) => void
  readonly #onReady: (notice: ReadyNotice) => void
  readonly #reader = new GuestMessageReader()
  readonly #sessions = new Map<number, Session>()
  #lastId = 0
  #hasEnded = false
  #token: string | undefined
  #readyToken: string | undefined

  /** `onReady` is called each time that the guest says so: after each of its starts. */
  constructor(send: (bytes: Uint8Array) => void, onReady: (notice: ReadyNotice) => void) {
    this.#send = send
    this.#onReady = onReady
    this.#say({ kind: 'hello', session: 0 })
  }

  /** Takes bytes from the guest. */
  receive(bytes: Uint8Array): void {
    for (const message of this.#reader.read(bytes)) this.#heed(message)
  }

  /** The connection is gone: all that runs has failed, and nothing can be run any more. */
  end(): void {
    this.#hasEnded = true
    this.#failAll('the connection to the agent is gone')
  }

  /** Runs a command; resolves to its exit status. Errors: the machine or its agent went away, too many at once. */
  exec({ command, input = noBytes, onOutput }: AgentCommand): Promise<Result<number>> {
    const body = new TextEncoder().encode(command)
    const refusal = this.#refusal(body.length)
    if (refusal !== undefined) return Promise.resolve(worldError(refusal))
    return new Promise((finish) => {
      this.#lastId = this.#lastId === sessionIdMax ? 1 : this.#lastId + 1
      const session = { id: this.#lastId, onOutput, finish, input, sentBytes: 0, ackedBytes: 0 }
      this.#sessions.set(session.id, session)
      this.#say({ kind: 'exec', session: session.id, body })
      this.#feed(session)
    })
  }

  /**
   * Runs a command and keeps what it prints, at most `outputBytesMax` bytes of both streams together. Errors: as
   * `exec`, and more output than that.
   */
  async run(
    command: string,
    { input, outputBytesMax = 2 ** 20 }: { input?: Uint8Array; outputBytesMax?: number } = {},
  ): Promise<Result<AgentRun>> {
    const pieces = { out: [] as Uint8Array[], err: [] as Uint8Array[] }
    let bytesKept = 0
    const onOutput: AgentCommand['onOutput'] = (stream, bytes) => {
      bytesKept += bytes.length
      if (bytesKept <= outputBytesMax) pieces[stream].push(bytes)
    }
    const ended = await this.exec({ command, onOutput, ...(input && { input }) })
    if (!ended.ok) return ended
    if (bytesKept > outputBytesMax) {
      return worldError(`the command in the machine printed more than ${outputBytesMax} bytes`)
    }
    return ok({ status: ended.value, stdout: joined(pieces.out), stderr: joined(pieces.err) })
  }

  /** The bytes of a file of the guest. Errors: it cannot be read, or is longer than `bytesMax`. */
  async readFile(path: string, bytesMax: number): Promise<Result<Uint8Array>> {
    const run = await this.run(`exec cat -- ${quoted(path)}`, { outputBytesMax: bytesMax })
    if (!run.ok) return run
    return run.value.status === 0 ? ok(run.value.stdout) : failure(path, run.value)
  }

  /** Writes a file of the guest, whole or not at all. `mode`: permissions, such as 0o644. */
  async writeFile(path: string, bytes: Uint8Array, mode: number): Promise<Result<void>> {
    const part = quoted(`${path}.part`)
    const command = `set -e; umask 077; cat > ${part}; chmod ${mode.toString(8)} ${part}; mv -f ${part} ${quoted(path)}`
    const run = await this.run(command, { input: bytes })
    if (!run.ok) return run
    return run.value.status === 0 ? ok(undefined) : failure(path, run.value)
  }

  /** Asks the machine to power off cleanly; it has not done so when this resolves. */
  async shutDown(): Promise<Result<void>> {
    const run = await this.run('exec poweroff')
    if (!run.ok) return run
    return run.value.status === 0 ? ok(undefined) : failure('poweroff', run.value)
  }

  #refusal(commandBytes: number): string | undefined {
    if (this.#hasEnded) return 'the connection to the agent is gone'
    if (commandBytes > bodyBytesMax) return `a command has at most ${bodyBytesMax} bytes; put it in a file`
    return this.#sessions.size >= sessionCountMax
      ? `${sessionCountMax} commands run in this machine; wait for one to end`
      : undefined
  }

  #heed(message: GuestMessage): void {
    if (message.kind === 'malformed') return
    if (message.kind === 'hello') {
      this.#greet(message.version, message.token)
      return
    }
    if (message.kind === 'ready') {
      // The agent says it when it is so, and again to who asks.
      if (this.#readyToken !== this.#token) this.#onReady(readyNotice(message.facts))
      this.#readyToken = this.#token
      return
    }
    const session = this.#sessions.get(message.session)
    if (session === undefined) return
    if (message.kind === 'exit') {
      this.#sessions.delete(session.id)
      session.finish(ok(message.status & 0xff))
    } else if (message.kind === 'ack') {
      session.ackedBytes = Math.min(session.sentBytes, session.ackedBytes + message.byteCount)
      this.#feed(session)
    } else {
      session.onOutput(message.kind, message.bytes)
    }
  }

  /** The first greeting says only that the agent is there; another agent knows nothing of what runs. */
  #greet(version: number, token: string): void {
    if (version !== agentVersion) this.#failAll(`the agent of the machine speaks version ${version}`)
    else if (this.#token !== undefined && token !== this.#token) {
      this.#failAll('the agent of the machine began anew')
    }
    this.#token = token
  }

  /** Sends what the window has room for, and the end after the last byte. */
  #feed(session: Session): void {
    const { id, input } = session
    if (session.sentBytes > input.length) return
    while (session.sentBytes < input.length) {
      const room = inputWindowBytes - (session.sentBytes - session.ackedBytes)
      if (room <= 0) return
      const body = input.subarray(session.sentBytes, session.sentBytes + Math.min(room, bodyBytesMax))
      this.#say({ kind: 'in', session: id, body })
      session.sentBytes += body.length
    }
    this.#say({ kind: 'end', session: id })
    session.sentBytes = Number.POSITIVE_INFINITY
  }

  #failAll(why: string): void {
    const sessions = [...this.#sessions.values()]
    this.#sessions.clear()
    for (const { finish } of sessions) finish(worldError(`${why}; what the command did is not known`))
  }

  #say(message: HostMessage): void {
    this.#send(encodeHostMessage(message))
  }
}

const noBytes = new Uint8Array(0)
const addressCountMax = 64

function readyNotice(facts: ReadonlyMap<string, readonly string[]>): ReadyNotice {
  const instance = facts.get('instance')?.[0]
  return {
    hostname: facts.get('hostname')?.[0] ?? '',
    addresses: (facts.get('address') ?? []).slice(0, addressCountMax),
    ...(instance === undefined ? {} : { instance }),
  }
}

/** The guest's own words, of which the first line is shown, and nothing that a terminal would act on. */
function failure(what: string, { status, stderr }: AgentRun): Result<never> {
  const [line = ''] = new TextDecoder().decode(stderr.subarray(0, 400)).split('\n')
  const words = line.replaceAll(/[^ -~]/g, '?')
  return worldError(`${what} in the machine: ${words === '' ? `status ${status}` : words}`)
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

/** One word of sh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
