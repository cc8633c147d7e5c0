/**
 * The wire behind a network device: what its driver sends goes there. What comes from there is put into the device's
 * `NetReceiver`.
 */

import type { PieceSink } from '@virga/device'

/** What a driver agreed to take: partial checksums, and frames of many segments. */
export const netOffload = { checksum: 1, tcp4: 2, tcp6: 4, udp: 8, ecn: 16 } as const

/** Called on the thread that serves queues. */
export interface NetBackend {
  /** Where the device gathers each frame that is sent: places in guest memory. */
  readonly pieces: PieceSink
  /**
   * Takes the frame in `pieces`: virtio-net header, then frame. Nothing of it was looked at, and the guest may change it
   * meanwhile; the places are for the time of the call.
   */
  transmit(): void
  /** The batch has ended: receivers hear of what they got. */
  flush(): void
}
