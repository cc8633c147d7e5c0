/** DNS: queries read, answers written, and no bytes that throw. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DnsQuery, encodeDnsQuery, encodeDnsReply, readDns, readDnsQuery } from './dns.ts'

const query = (): DnsQuery => {
  const found = readDnsQuery(encodeDnsQuery(7, 'Web.Example', 'A'))
  if (found === undefined) throw new Error('the query was not read')
  return found
}

describe('a query', () => {
  it('is read, its name in lower case', () =>
    expect(query()).toEqual({ id: 7, name: 'web.example', type: 'A', recursionDesired: true, bytesMax: 512 }))

  it.each([
    ['an answer', encodeDnsReply(query(), { rcode: 0, authoritative: true, answers: [] })],
    ['nothing', new Uint8Array(0)],
    ['a header alone', new Uint8Array(12)],
    ['a name that points at itself', Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1)],
  ])('is not %s', (_what, bytes) => expect(readDnsQuery(bytes)).toBeUndefined())

  it('is not any bytes, and none throw', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (tail) => {
        readDnsQuery(tail)
        readDns(Uint8Array.from([...encodeDnsQuery(1, 'a.b', 'A').subarray(0, 12), ...tail]))
      }),
    ))
})

describe('an answer', () => {
  const record = (index: number) =>
    ({ name: 'web.example', type: 'A', ttl: 60, data: `10.0.${index >> 8}.${index & 255}` }) as const

  it('has the question, and what was found', () => {
    const reply = readDns(encodeDnsReply(query(), { rcode: 0, authoritative: true, answers: [record(1)] }))
    expect(reply).toMatchObject({ id: 7, type: 'response', flag_aa: true, flag_tc: false, rcode: 'NOERROR' })
    expect(reply?.questions).toMatchObject([{ name: 'web.example', type: 'A' }])
    expect(reply?.answers).toMatchObject([{ name: 'web.example', type: 'A', data: '10.0.0.1' }])
  })

  it('that does not fit says so', () => {
    const answers = Array.from({ length: 100 }, (_, index) => record(index))
    const bytes = encodeDnsReply(query(), { rcode: 0, authoritative: true, answers })
    expect(bytes.length).toBeLessThanOrEqual(512)
    expect(readDns(bytes)).toMatchObject({ flag_tc: true, answers: [] })
  })
})
