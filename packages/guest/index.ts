/** Front door of @virga/guest. */
export { type PackageRequest, resolvePackages } from './archive/resolve.ts'
export { execArchive } from './image/exec-archive.ts'
export {
  type ImageName,
  knownImages,
  listImages,
  type PullOptions,
  parseImageName,
  pullImage,
  removeImage,
} from './image/images.ts'
export { finisherAddress } from './image/init-script.ts'
export type { ImageFile, ImageFiles, SourcePackage } from './image/manifest.ts'
export type { PullEvent } from './image/pull-event.ts'
export { type Clock, type Fetch, type Network, stallMsDefault } from './transfer/network.ts'
export type { Appender, Sha256, Store } from './transfer/store.ts'
