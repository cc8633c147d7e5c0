/**
 * A server in QEMU, the judge that guests' files are for any machine: a network with DHCP and a metadata service, a
 * port for the agent, a disk and a power button. Logging in is by the host's ssh.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentClient, agentPortName, type ReadyNotice } from '@virga/guest'

/** What the machine is, and what the metadata service says of it, by path below /hetzner/v1/. */
export interface QemuServerOptions {
  readonly kernel: string
  readonly initrd: string
  /** a raw or qcow2 file; it becomes /dev/vda */
  readonly disk: string
  readonly metadata: Readonly<Record<string, string>>
}

/** A key pair for ssh. */
export interface SshKey {
  readonly file: string
  readonly publicKey: string
}

/** Makes a key pair in `folder`. */
export function makeSshKey(folder: string): SshKey {
  const file = join(folder, 'key')
  demand('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'tester', '-f', file])
  return { file, publicKey: readFileSync(`${file}.pub`, 'utf8').trim() }
}

/** A running machine. */
export class QemuServer {
  readonly #process: ChildProcess
  readonly #folder: string
  readonly #sshPort: number
  readonly #sockets: Socket[] = []
  readonly ended: Promise<number | null>
  /** What the console printed, and QEMU itself. */
  console = ''

  /** Starts a machine. Whoever did so ends it with `kill`, if it has not ended. */
  static async start(options: QemuServerOptions): Promise<QemuServer> {
    return new QemuServer(options, await freePort())
  }

  private constructor({ kernel, initrd, disk, metadata }: QemuServerOptions, sshPort: number) {
    this.#folder = mkdtempSync(join(tmpdir(), 'virga-qemu-'))
    this.#sshPort = sshPort
    const service = join(this.#folder, 'metadata.mjs')
    writeFileSync(service, metadataService(metadata))
    const network = [
      'user,id=net,net=169.254.0.0/16,host=169.254.0.2,dns=169.254.0.3,dhcpstart=169.254.0.15',
      `hostfwd=tcp:127.0.0.1:${sshPort}-:22`,
      `guestfwd=tcp:169.254.169.254:80-cmd:${process.execPath} ${service}`,
    ].join(',')
    const format = disk.endsWith('.qcow2') ? 'qcow2' : 'raw'
    this.#process = spawn(
      'qemu-system-riscv64',
      [
        ...['-M', 'virt', '-m', '512M', '-display', 'none', '-serial', 'stdio', '-no-reboot'],
        ...['-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0 quiet panic=-1'],
        ...['-monitor', `unix:${this.#folder}/monitor,server,nowait`],
        ...[
          '-drive',
          `file=${disk},format=${format},if=none,id=disk`,
          '-device',
          'virtio-blk-pci,drive=disk',
        ],
        ...['-netdev', network, '-device', 'virtio-net-pci,netdev=net,romfile='],
        ...['-device', 'virtio-rng-pci', '-device', 'virtio-keyboard-pci', '-device', 'virtio-serial-pci'],
        ...['-chardev', `socket,id=agent,path=${this.#folder}/agent,server=on,wait=off`],
        ...['-device', `virtserialport,chardev=agent,name=${agentPortName}`],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.console += bytes.toString()
      })
    }
    this.ended = new Promise((resolve) => {
      this.#process.on('error', (cause) => {
        this.console += `qemu-system-riscv64 is missing: install qemu-system-misc (${cause.message})`
        resolve(null)
      })
      this.#process.on('close', (status) => resolve(status))
    })
  }

  /** Connects to the agent, and waits until it says that the machine is ready. */
  async agent(withinMs: number): Promise<{ client: AgentClient; notice: ReadyNotice }> {
    const deadline = performance.now() + withinMs
    const socket = await this.#connect('agent', deadline)
    return await new Promise((resolve, reject) => {
      const limit = setTimeout(
        () =>
          reject(new Error(`the machine is not ready after ${withinMs} ms: ${this.console.slice(-2000)}`)),
        deadline - performance.now(),
      )
      const client: AgentClient = new AgentClient(
        (bytes) => void socket.write(bytes),
        (notice) => {
          clearTimeout(limit)
          resolve({ client, notice })
        },
      )
      socket.on('data', (bytes: Buffer) => client.receive(bytes))
      socket.on('close', () => client.end())
    })
  }

  /** Runs a command by ssh, once; throws when it fails. */
  ssh(key: SshKey, command: string): string {
    const options = [
      'StrictHostKeyChecking=no',
      `UserKnownHostsFile=${this.#folder}/hosts`,
      'ConnectTimeout=20',
    ]
    return demand('ssh', [
      ...['-i', key.file, '-p', String(this.#sshPort), ...options.flatMap((each) => ['-o', each])],
      ...['-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR', 'root@127.0.0.1', command],
    ])
  }

  /** Presses the power button. */
  async pressPower(): Promise<void> {
    const socket = await this.#connect('monitor', performance.now() + 10_000)
    socket.resume().write('sendkey power\n')
  }

  /** Ends it as a power cut does. */
  kill(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#process.kill('SIGKILL')
  }

  async #connect(name: string, deadline: number): Promise<Socket> {
    for (;;) {
      const socket = connect(join(this.#folder, name))
      this.#sockets.push(socket)
      const failure = await new Promise<Error | undefined>((resolve) => {
        socket.once('connect', () => resolve(undefined)).once('error', resolve)
      })
      socket.on('error', () => socket.destroy())
      if (failure === undefined) return socket
      if (performance.now() > deadline)
        throw new Error(`no ${name} of QEMU: ${this.console}`, { cause: failure })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** A program that answers one HTTP request on its standard input: QEMU starts one for each connection. */
function metadataService(metadata: QemuServerOptions['metadata']): string {
  return `const answers = ${JSON.stringify(metadata)}
let request = ''
process.stdin.on('data', (bytes) => {
  request += bytes
  if (!request.includes('\\r\\n\\r\\n')) return
  const answer = answers[request.split(' ')[1].replace('/hetzner/v1/', '')]
  const head = answer === undefined ? '404 Not Found' : '200 OK'
  const body = answer ?? 'not found'
  process.stdout.write(\`HTTP/1.1 \${head}\\r\\nContent-Length: \${body.length}\\r\\nConnection: close\\r\\n\\r\\n\${body}\`, () => process.exit())
})
`
}

/** Runs a tool of the host. Throws what to install when it is missing, and what it says when it fails. */
function demand(tool: string, args: readonly string[]): string {
  const ran = spawnSync(tool, args, { encoding: 'utf8', timeout: 120_000 })
  if (ran.error !== undefined) {
    throw new Error(`${tool} cannot be run: apt-get install openssh-client`, { cause: ran.error })
  }
  if (ran.status !== 0) throw new Error(`${tool}: status ${ran.status}\n${ran.stdout}${ran.stderr}`)
  return ran.stdout
}

/** A TCP port that nobody listened on a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject()))
    })
  })
}
