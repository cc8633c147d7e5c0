/** Front door of @virga/guest. */

export { AgentClient, type AgentCommand, type AgentRun, type ReadyNotice } from './agent/agent-client.ts'
export { agentPortName } from './agent/frame.ts'
export { execArchive } from './image/exec-archive.ts'
export {
  type BuildOptions,
  buildPackageImage,
  findImage,
  type ImageName,
  knownImages,
  listImages,
  type PullOptions,
  parseImageName,
  parsePackageNames,
  pullImage,
  removeImage,
} from './image/images.ts'
export type { ImageFile, ImageFiles, SourcePackage } from './image/manifest.ts'
export type { PullEvent } from './image/pull-event.ts'
export { type Clock, type Fetch, type Network, stallMsDefault } from './transfer/network.ts'
export { type Appender, type Sha256, type Store, UnreadableFile } from './transfer/store.ts'
