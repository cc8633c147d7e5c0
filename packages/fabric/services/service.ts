/**
 * What a service of a network is: something that answers a port's frame itself. It is handed frames that are from who
 * they say they are. It returns 0 when it has answered, or a drop code.
 */
import type { MacAddress } from '@virga/base'
import type { Frame } from '../frame/frame.ts'
import type { Port, PortTable } from '../vpc/port-table.ts'
import type { Subnets } from '../vpc/subnets.ts'

/** What services know of their network, and how they answer. */
export interface ServiceContext {
  readonly ports: PortTable
  readonly subnets: Subnets
  readonly routerMac: MacAddress
  readonly mtu: number
  readonly domain: string
  /** room for an answer; used up when `answer` returns */
  readonly scratch: Uint8Array
  /** sends a port the composed frame in `bytes[0, length)` */
  answer(port: Port, bytes: Uint8Array, length: number): void
  /** sends a port its own frame back, as it is now */
  reflect(port: Port, frame: Frame): void
  /** publishes answers that come when no batch is under way */
  flush(): void
}
