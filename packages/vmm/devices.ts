/**
 * The virtio devices that a machine may have, as its configuration names them. Each kind declares its model; what serves
 * its queues is made where its backend is, on the I/O thread.
 */

import {
  type BlkDisk,
  balloonModel,
  blkModel,
  buttonModel,
  type ConsolePort,
  consoleModel,
  type NetPort,
  netModel,
  rngModel,
  type VirtioModel,
} from '@virga/virtio'

/** One device. Structured-clone safe. */
export type DeviceConfig =
  | { readonly kind: 'rng' }
  | { readonly kind: 'blk'; readonly disk: BlkDisk }
  | { readonly kind: 'net'; readonly port: NetPort }
  | { readonly kind: 'balloon' }
  | { readonly kind: 'button' }
  | { readonly kind: 'console'; readonly ports: readonly ConsolePort[] }

/** Slots of the bus, less the one of its bridge. */
export const devicesMax = 31

type Kinds = { readonly [K in DeviceConfig['kind']]: Extract<DeviceConfig, { kind: K }> }

const models: { readonly [K in keyof Kinds]: (config: Kinds[K], index: number) => VirtioModel } = {
  rng: (_config, index) => rngModel(`virtio-rng${index}`),
  blk: ({ disk }, index) => blkModel(`virtio-blk${index}`, disk),
  net: ({ port }, index) => netModel(`virtio-net${index}`, port),
  console: ({ ports }, index) => consoleModel(`virtio-console${index}`, ports),
  button: (_config, index) => buttonModel(`virtio-input${index}`),
  balloon: (_config, index) => balloonModel(`virtio-balloon${index}`),
}

/** The models of a machine's devices, in order; the index in a name is the slot. */
export function deviceModels(devices: readonly DeviceConfig[]): VirtioModel[] {
  // The table's key and the configuration's kind are the same, which the types cannot say of a union.
  return devices.map((config, i) => models[config.kind](config as never, i + 1))
}
