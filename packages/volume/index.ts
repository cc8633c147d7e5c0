/** Front door of @virga/volume. */
export type { Access, BlockFile, OpenedFile, OpenFile } from './block-file.ts'
export { chainLengthMax, type OpenOptions, openVolume } from './chain.ts'
export { type CopyProgress, type CreateOptions, copyVolume, createVolume } from './create.ts'
export { checkVolume, inspectVolume, resizeVolume, type VolumeInfo } from './inspect.ts'
export type { CheckReport } from './qcow2/check/check.ts'
export type { Inflate } from './qcow2/decompress.ts'
export { type TableMemory, tableMemoryDefault } from './qcow2/image.ts'
export { clusterBytesDefault } from './qcow2/new-image.ts'
export {
  type Extent,
  sectorBytes,
  type Volume,
  type VolumeFormat,
  volumeBytesMax,
  volumeFormats,
} from './volume.ts'
export { VolumeError } from './volume-error.ts'
