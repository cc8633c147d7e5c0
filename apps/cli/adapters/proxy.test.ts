/** A mirror that is reached through a proxy. In a file of its own, since proxies are set for a whole process. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { fetchNetwork } from './fetch-network.ts'

it('fetches through the proxy that the environment names', async () => {
  const asked: string[] = []
  const proxy = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end('from the proxy')
  })
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`)
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\nfrom the proxy'))
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = proxy.address() as AddressInfo
    const network = fetchNetwork({ http_proxy: `http://127.0.0.1:${port}` })
    const response = await network.fetch('http://mirror.invalid/debian/x', {
      headers: {},
      signal: AbortSignal.timeout(5000),
    })
    expect(await response.text()).toBe('from the proxy')
    expect(asked).toHaveLength(1)
    expect(asked[0]).toContain('mirror.invalid')
  } finally {
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
  }
})
