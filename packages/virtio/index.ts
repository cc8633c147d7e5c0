/** Front door of @virga/virtio. */
export { balloonConfig, balloonFeature, balloonModel, balloonPageBytes } from './balloon/config.ts'
export { type BalloonBackend, BalloonDevice, type PageRun } from './balloon/device.ts'
export type { BalloonStatistics } from './balloon/statistics.ts'
export type { BlkBackend, BlkOutcome } from './blk/backend.ts'
export { type BlkDisk, blkIdBytes, blkModel, sectorBytes } from './blk/config.ts'
export { blkHandler } from './blk/device.ts'
export {
  type ConsolePort,
  consoleConfig,
  consoleFeature,
  consoleModel,
  consolePortsMax,
  consoleQueue,
} from './console/config.ts'
export { type ConsoleBackend, ConsoleDevice } from './console/device.ts'
export { buttonModel } from './input/config.ts'
export { ButtonDevice } from './input/device.ts'
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
