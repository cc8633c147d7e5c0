/** Front door of @virga/virtio. */
export type { BlkBackend, BlkOutcome } from './blk/backend.ts'
export { type BlkDisk, blkIdBytes, blkModel, sectorBytes } from './blk/config.ts'
export { blkHandler } from './blk/device.ts'
export type {
  ChainHandler,
  ChainResult,
  ConfigField,
  DeviceAccess,
  ServiceLeft,
  VirtioModel,
} from './model.ts'
export { type NetBackend, netOffload } from './net/backend.ts'
export { type NetPort, netConfig, netFeature, netModel, netQueue, netStatus } from './net/config.ts'
export { NetDevice } from './net/device.ts'
export type { NetReceiver } from './net/receive.ts'
export { rngHandler, rngModel } from './rng/device.ts'
export { DeviceService } from './service.ts'
export { VirtioPciFunction, virtioPciWords } from './transport/virtio-pci.ts'
