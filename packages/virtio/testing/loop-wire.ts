/** A wire for a network device on a bench: keeps what is sent, and carries frames in. */

import type { NetBackend } from '../net/backend.ts'
import type { NetDevice } from '../net/device.ts'
import { Places } from './places.ts'

export class LoopWire implements NetBackend {
  readonly pieces = new Places()
  /** virtio-net headers and frames, as they were sent */
  readonly sent: Uint8Array[] = []
  flushes = 0

  transmit(): void {
    this.sent.push(this.pieces.read())
  }

  flush(): void {
    this.flushes++
  }

  /** Puts header and frame into the device's receive queue; answers the buffers that it took, 0 when there was no room. */
  deliver(device: NetDevice, bytes: Uint8Array): number {
    const room = new Places()
    const buffers = device.receiver.reserve(bytes.length, room)
    if (buffers === 0) return 0
    room.write(bytes)
    device.receiver.commit()
    return buffers
  }
}
