/**
 * Input device with one key, that of a power button. @spec virtio-1.2 "Input Device"
 * Why: a machine without firmware has no other way to be asked to shut down that Debian's kernel knows; a guest sees an
 * input device, as on hardware, and systemd's logind or busybox's acpid heed its key.
 *
 * A driver selects what it wants to know by writing to the configuration, and reads the answer there.
 */

import type { VirtioModel } from '../model.ts'

/** Types and codes of events, which are Linux's. */
export const inputEvent = { synchronize: 0, key: 1, keyPower: 116 } as const

/** Offsets in the configuration. @spec virtio-1.2 "Device configuration layout" */
const at = { select: 0, subselect: 1, size: 2, data: 8 } as const
const select = { name: 0x01, serial: 0x02, ids: 0x03, eventBits: 0x11 } as const
const configBytes = 136
const queueSize = 64
const name = 'Virga power button'

/** The power button called `device`. */
export function buttonModel(device: string): VirtioModel {
  return {
    name: device,
    kind: 'virtio-input',
    type: 18,
    classCode: 0x098000,
    features: [],
    queueSizes: [queueSize, queueSize],
    config: new Uint8Array(configBytes),
    driverFields: [{ offset: at.select, bytes: 2 }],
    answer,
  }
}

/** Puts what is selected into the configuration: its size and bytes; nothing for what there is not. */
function answer(config: Uint8Array): void {
  const data = dataOf(config[at.select] as number, config[at.subselect] as number)
  config.fill(0, at.size)
  config[at.size] = data.length
  config.set(data, at.data)
}

function dataOf(selected: number, subselected: number): Uint8Array {
  if (selected === select.name && subselected === 0) return new TextEncoder().encode(name)
  if (selected === select.serial && subselected === 0) return new TextEncoder().encode('power')
  // Bus (virtual), vendor, product, version.
  if (selected === select.ids && subselected === 0) return Uint8Array.of(6, 0, 0xf4, 0x1a, 1, 0, 1, 0)
  if (selected !== select.eventBits || subselected !== inputEvent.key) return new Uint8Array(0)
  const bits = new Uint8Array((inputEvent.keyPower >> 3) + 1)
  bits[inputEvent.keyPower >> 3] = 1 << (inputEvent.keyPower & 7)
  return bits
}
