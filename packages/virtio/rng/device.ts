/** Entropy device: fills what the driver gives it with random bytes. @spec virtio-1.2 "Entropy Device" */

import type { ChainHandler, VirtioModel } from '../model.ts'
import type { Chain } from '../queue/chain.ts'

/** A request gets at most so many bytes: drivers ask for less, and random bytes are not free. */
const requestBytesMax = 4096
const queueSize = 64

/** The entropy device called `name`. */
export function rngModel(name: string): VirtioModel {
  return {
    name,
    kind: 'virtio-rng',
    type: 4,
    classCode: 0x00ff00,
    features: [],
    queueSizes: [queueSize],
    config: new Uint8Array(0),
  }
}

/** Serves it. `random` gives so many random bytes. */
export function rngHandler(random: (byteCount: number) => Uint8Array): ChainHandler {
  return {
    serve(_queue: number, chain: Chain) {
      // A request has nothing to read and room to write.
      if (chain.readableBytes > 0 || chain.writableBytes === 0) return 'broken'
      const bytes = Math.min(chain.writableBytes, requestBytesMax)
      return chain.write(0, random(bytes)) ? bytes : 'broken'
    },
  }
}
