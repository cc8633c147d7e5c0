/** Two tenants with the same addresses and the same MACs on one host: what they reach, and what they do not. */

import { mkdtempSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, virga } from './virga.ts'

const storyMsMax = 420_000
const home = mkdtempSync(join(tmpdir(), 'virga-'))
const environment = { XDG_STATE_HOME: home }
const run = (...args: string[]): Promise<Ended> => virga(args, { environment })
const local = (...args: string[]): Promise<Ended> => run('local', ...args)

beforeAll(async () => {
  const { status, stderr } = await virga(['image', 'pull'])
  expect(status, stderr).toBe(0)
}, storyMsMax)

afterAll(async () => {
  await local('shutdown')
})

/** An address of this computer that a machine, too, can call by. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  expect(found, 'this test needs a computer with an IPv4 address besides its loopback').toBeDefined()
  return found?.address ?? ''
}

/** Waits until a console shows something. */
async function shows(name: string, pattern: RegExp): Promise<string> {
  let text = ''
  await expect
    .poll(
      async () => {
        text = (await local('console', name, '--print')).stdout
        return text
      },
      { timeout: 200_000, interval: 1000 },
    )
    .toMatch(pattern)
  return text
}

/** Types a command in a machine; resolves to what was shown from then to its end. */
async function type(name: string, command: string): Promise<string> {
  const mark = `end-of-${Math.random().toString(36).slice(2)}`
  // Put together by the shell, so that its echo is not taken for the end.
  const [first, rest] = [mark.slice(0, 6), mark.slice(6)]
  await virga(['local', 'console', name], { environment, input: `${command}; echo ${first}''${rest}\n` })
  const text = await shows(name, new RegExp(`\\n${mark}`))
  return (
    text
      .slice(0, text.indexOf(`\n${mark}`))
      .split(`${first}''${rest}`)
      .at(-1) ?? ''
  )
}

describe('two tenants', () => {
  it(
    'have networks of their own, where names are known, and a way outside where it is given',
    async () => {
      const address = ownAddress()
      const served = createServer((_request, answer) => answer.end('from the host\n')).listen(0, address)
      await new Promise((resolve) => served.once('listening', resolve))
      const { port } = served.address() as AddressInfo // it listens on a port
      try {
        expect(
          (await local('net', 'create', 'red', '--cidr', '10.0.0.0/24', '--outside', '--allow', address))
            .stderr,
        ).toBe('')
        expect((await local('net', 'create', 'blue', '--cidr', '10.0.0.0/24')).stderr).toBe('')
        for (const [tenant, numbers] of [
          ['red', [11, 12]],
          ['blue', [11, 13]],
        ] as const)
          for (const number of numbers) {
            const device = `${tenant},ip=10.0.0.${number},mac=02:00:00:00:00:${number}`
            const started = await local('start', `${tenant}${number}`, '--net', device, '--memory', '256MiB')
            expect(started.stderr).toBe('')
          }
        for (const name of ['red11', 'red12', 'blue11', 'blue13']) await shows(name, /# /)

        expect(await type('red11', 'ping -c 2 -w 60 red12 | tail -3')).toMatch(/[12] packets received/)
        // Metadata gave it its name.
        expect(await type('red11', 'until [ $(hostname) != micro ]; do sleep 1; done; hostname')).toMatch(
          /red11/,
        )
        // Nobody is there: 10.0.0.13 is blue's.
        expect(await type('red11', 'ping -c 2 -w 5 10.0.0.13 | tail -2')).toMatch(/100% packet loss/)
        expect(await type('blue11', 'ping -c 2 -w 60 blue13 | tail -3')).toMatch(/[12] packets received/)
        expect(await type('blue11', 'ping -c 1 -w 3 red12 2>&1')).toMatch(/bad address/)

        expect(await type('red11', `wget -q -T 30 -O - http://${address}:${port}/`)).toMatch(/from the host/)
        expect(await type('blue11', `wget -T 10 -O - http://${address}:${port}/ 2>&1`)).toMatch(
          /unreachable|timed out/,
        )
        // The host's other networks are closed.
        expect(await type('red11', 'wget -T 10 -O - http://192.168.255.1/ 2>&1')).toMatch(
          /unreachable|timed out|No route/,
        )

        const there = await run('net', 'trace', 'red11', 'tcp', '10.0.0.12', '22')
        expect([there.status, there.stdout]).toEqual([0, expect.stringMatching(/it gets there\n$/)])
        const across = await run('net', 'trace', 'red11', 'tcp', '10.0.0.13', '22')
        expect([across.status, across.stdout]).toEqual([
          1,
          expect.stringMatching(/it is dropped: no-such-machine\n$/),
        ])
        const outside = await run('net', 'trace', 'blue11', 'tcp', address, String(port), '-o', 'json')
        expect(JSON.parse(outside.stdout)).toMatchObject({ dropped: 'no-route' })

        expect((await local('net', 'rm', 'red')).stderr).toMatch(
          /^virga: machine red11 is in network red; remove it first/,
        )
        for (const name of ['red11', 'red12', 'blue11', 'blue13'])
          expect((await local('rm', name, '--force')).stderr).toBe('')
        for (const name of ['red', 'blue']) expect((await local('net', 'rm', name)).stderr).toBe('')
        for (const kind of ['machines', 'networks'])
          expect(readdirSync(join(home, 'virga/local', kind))).toEqual([])
      } finally {
        served.close()
      }
    },
    storyMsMax,
  )

  it('are told in one line what a network cannot be', async () => {
    for (const [args, line] of [
      [['net', 'create', 'red', '--cidr', '10.0.0.0/33'], /^virga: --cidr 10.0.0.0\/33 is no block/],
      [['net', 'create', 'red', '--cidr', '10.0.0.1/24'], /^virga: --cidr 10.0.0.1\/24 is no block/],
      [['net', 'create', 'red', '--cidr', '10.0.0.0/30'], /^virga: --cidr 10.0.0.0\/30 has 8 to 28 bits/],
      [['net', 'create', 'red', '--cidr', '10.0.0.0/24', '--allow', '127.0.0.1'], /--outside\n$/],
      [['start', 'web', '--net', 'nowhere'], /^virga: there is no network nowhere; /],
      [['start', 'web', '--net', 'nowhere,dns=1'], /takes ip=ADDRESS and mac=MAC/],
    ] as const)
      expect(await local(...args)).toMatchObject({ status: 2, stderr: expect.stringMatching(line) })
    expect((await run('net', 'trace', 'web', 'sctp', '10.0.0.1')).stderr).toMatch(/tcp, udp or icmp/)
  })
})
