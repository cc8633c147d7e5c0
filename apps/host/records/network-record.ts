/** What is kept of a network. */

import { parseCidr, parseMac } from '@virga/base'
import * as z from 'zod'
import { recordName } from './names.ts'

const block = z.string().refine((text) => parseCidr(text) !== undefined, 'is no block such as 10.0.0.0/24')

export const macText = z.string().refine((text) => parseMac(text) !== undefined, 'is no MAC address')

export const networkRecord = z.strictObject({
  name: recordName,
  /** IPv4, with room for machines */
  subnet: block.refine((text) => {
    const cidr = parseCidr(text)
    return cidr?.family === 4 && cidr.prefixLength >= 8 && cidr.prefixLength <= 28
  }, 'has 8 to 28 bits, such as 10.0.0.0/24'),
  routerMac: macText,
  /** its machines reach the outside by way of this computer; `allow` opens blocks of its own networks */
  outside: z.strictObject({ allow: z.array(block).max(64) }).optional(),
})

export type NetworkRecord = z.infer<typeof networkRecord>
