/**
 * Console with many ports: what it says of itself. @spec virtio-1.2 "Console Device"
 *
 * ```
 *   queues   0 port 0 in │ 1 port 0 out │ 2 control in │ 3 control out │ 4 port 1 in │ 5 port 1 out │ …
 * ```
 */

import { assert } from '@virga/base'
import type { VirtioModel } from '../model.ts'

/** A port. Structured-clone safe. */
export interface ConsolePort {
  /** by which the guest finds it, as /dev/virtio-ports/NAME; at most 64 ASCII characters */
  readonly name: string
  /** default: a plain stream of bytes */
  readonly use?: 'stream' | 'console'
}

/** Queues are at most 32, as everywhere; two are for control. */
export const consolePortsMax = 15

/** Feature bits. */
export const consoleFeature = { size: 0, multiport: 1 } as const

/** Fields of the configuration: the size of the terminal, in characters. */
export const consoleConfig = {
  columns: { offset: 0, bytes: 2 },
  rows: { offset: 2, bytes: 2 },
} as const

/** Index of the control queues, and those of ports; what the guest reads is 'in'. */
export const consoleQueue = {
  controlIn: 2,
  controlOut: 3,
  in: (port: number): number => (port === 0 ? 0 : 2 * port + 2),
  out: (port: number): number => (port === 0 ? 1 : 2 * port + 3),
} as const

const queueSize = 64
const configBytes = 8
const nameBytesMax = 64

/** The console device called `name`. */
export function consoleModel(name: string, ports: readonly ConsolePort[]): VirtioModel {
  assert(ports.length >= 1 && ports.length <= consolePortsMax, `a console has 1 to ${consolePortsMax} ports`)
  for (const port of ports) assert(port.name.length <= nameBytesMax, 'the name of a port is short')
  const config = new Uint8Array(configBytes)
  const view = new DataView(config.buffer)
  view.setUint16(consoleConfig.columns.offset, 80, true)
  view.setUint16(consoleConfig.rows.offset, 24, true)
  view.setUint32(4, ports.length, true)
  return {
    name,
    kind: 'virtio-console',
    type: 3,
    classCode: 0x078000,
    features: Object.values(consoleFeature),
    queueSizes: Array.from({ length: 2 * ports.length + 2 }, () => queueSize),
    config,
  }
}
