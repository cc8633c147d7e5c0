/** Front door of @virga/virtio. */
export type { BlkBackend, BlkOutcome } from './blk/backend.ts'
export { type BlkDisk, blkIdBytes, blkModel, sectorBytes } from './blk/config.ts'
export { blkHandler } from './blk/device.ts'
export type { ChainHandler, ChainResult, VirtioModel } from './model.ts'
export { rngHandler, rngModel } from './rng/device.ts'
export { DeviceService, type ServiceLeft } from './service.ts'
export { VirtioPciFunction, virtioPciWords } from './transport/virtio-pci.ts'
