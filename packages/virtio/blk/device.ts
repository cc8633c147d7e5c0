/** Block device: its handler. Its configuration is in config.ts, its requests in request.ts. */

import type { ChainHandler } from '../model.ts'
import type { BlkBackend } from './backend.ts'
import type { BlkDisk } from './config.ts'
import { BlkRequests } from './request.ts'

/** Serves `disk`, kept in `backend`. */
export function blkHandler(disk: BlkDisk, backend: BlkBackend): ChainHandler {
  const requests = new BlkRequests(disk, backend)
  return { serve: (_queue, chain) => requests.serve(chain) }
}
