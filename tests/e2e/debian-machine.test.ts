/** A machine that boots Debian's own kernel, used from a script. */
import { beforeAll, describe, expect, it } from 'vitest'
import { newFolder, start, virga, virgaCommand } from './virga.ts'

/** The kernel's package is over 100 MB, and mirrors may be slow. */
const pullMsMax = 600_000
const bootMsMax = 120_000

beforeAll(async () => {
  const { status, stderr } = await virga(['image', 'pull'])
  expect(status, stderr).toBe(0)
}, pullMsMax)

/** A mirror that nobody is at: whoever asks it fails. */
const offline = { VIRGA_DEBIAN_MIRROR: 'http://127.0.0.1:9', no_proxy: '127.0.0.1' }

describe('an image in the cache', () => {
  it('is pulled again without a network', async () => {
    const { status, stdout, stderr } = await virga(['image', 'pull'], { environment: offline })
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^image micro is in the cache \(kernel 6\.12\S*-riscv64\)\n$/)
    expect(status).toBe(0)
  })

  it('is listed with what it was made from, for people and for programs', async () => {
    const text = await virga(['image', 'list'])
    expect(text.stdout).toMatch(/micro +\d+\.\d MiB +6\.12\S+/)
    const [image] = JSON.parse((await virga(['image', 'list', '-o', 'json'])).stdout)
    expect(image).toMatchObject({ name: 'micro', cached: true })
    expect(image.packages.map(({ name }: { name: string }) => name).join(' ')).toMatch(
      /busybox-static linux-image-6\.12/,
    )
  })

  it('is not there for another cache', async () => {
    const environment = { ...offline, XDG_CACHE_HOME: newFolder() }
    expect((await virga(['image', 'list'], { environment })).stdout).toMatch(/micro +not pulled/)
    const removed = await virga(['image', 'rm', 'micro'], { environment })
    expect(removed).toMatchObject({ status: 0, stdout: 'image micro was not in the cache\n' })
  })

  it('says how much memory it needs', async () => {
    const { status, stderr } = await virga(['run', '--memory', '64MiB', '--exec', 'true'])
    expect(stderr).toMatch(
      /^virga: 64\.0 MiB of memory is too small for image micro; use --memory \d+MiB or more\n$/,
    )
    expect(status).toBe(2)
  })
})

describe('a machine with one command to run', () => {
  it(
    'runs it on every hart that was asked for, without a network, and says nothing else',
    async () => {
      const command = 'uname -srm; nproc; grep -c processor /proc/cpuinfo; tty; whoami'
      const ended = await virga(['run', '--cpus', '2', '--exec', command], { environment: offline })
      expect(ended.stderr).toBe('')
      const [kernel, ...rest] = ended.stdout.trimEnd().split('\n')
      expect(kernel).toMatch(/^Linux 6\.12\S+-riscv64 riscv64$/)
      expect(rest).toEqual(['2', '2', '/dev/ttyS0', 'root'])
      expect(ended.status).toBe(0)
    },
    bootMsMax,
  )

  it(
    'ends with its status, and tells what it did as JSON',
    async () => {
      const { status, stdout, stderr } = await virga([
        'run',
        '--exec',
        'exit 7',
        '--no-code-cache',
        '--stats',
        'json',
      ])
      expect(status).toBe(7)
      expect(stdout).toBe('')
      const statistics = JSON.parse(stderr)
      expect(statistics).toMatchObject({
        exits: { slice: expect.any(Number), wfi: expect.any(Number), sbi: expect.any(Number) },
        exceptions: { 'ecall from U-mode': expect.any(Number) },
        interrupts: { 'supervisor timer': expect.any(Number) },
        tlbMisses: { read: expect.any(Number), write: expect.any(Number), fetch: expect.any(Number) },
        memory: { framesTaken: expect.any(Number) },
        harts: [{ idleMs: expect.any(Number) }],
      })
      // Debian's kernel needs this much at least to come to its first process.
      expect(statistics.instructions).toBeGreaterThan(100_000_000)
      expect(statistics.slatFaults).toBeGreaterThan(1000)
      expect(statistics.startMs).toBeGreaterThan(0)
      expect(statistics.wallMs).toBeGreaterThanOrEqual(statistics.guestMs)
      const { tiers, regions, bytes, guestInstructions, emitMs, moduleMs, entries, exits } = statistics.jit
      expect(tiers.interpreter + tiers.compiled).toBe(statistics.instructions)
      expect(tiers.compiledShare).toBeGreaterThan(0.5)
      expect(guestInstructions).toBeGreaterThan(regions)
      expect(bytes).toBeGreaterThan(guestInstructions)
      expect(emitMs).toBeGreaterThan(0)
      expect(moduleMs).toBeGreaterThan(0)
      for (const reason of ['uncached', 'uncompiled', 'poll', 'bail']) {
        expect(exits[reason]).toBeGreaterThan(0)
        expect(exits[reason]).toBeLessThan(entries)
      }
    },
    bootMsMax,
  )

  it(
    'whose reader leaves ends quietly',
    async () => {
      const [node, door] = virgaCommand
      const shell = `'${node}' '${door}' run --exec 'yes' | head -n 1`
      const ended = await start(['sh', '-c', shell], []).ended
      expect(ended).toMatchObject({ status: 0, stdout: 'y\n', stderr: '' })
    },
    bootMsMax,
  )
})

describe('a machine whose console is a pipe', () => {
  it(
    'reads its commands from it, and ends when there are no more',
    async () => {
      const ended = await virga(['run', '--append', 'quiet'], { input: 'echo $((6 * 7))\n' })
      expect(ended.stdout).toMatch(/echo \$\(\(6 \* 7\)\)\r\n42\r\n/)
      expect(ended.stderr).toBe('virga: the input ended and the machine went idle; machine ended\n')
      expect(ended.status).toBe(0)
    },
    bootMsMax,
  )
})
