/** Front door of @virga/host: the host as its clients see it. Its process is behind `@virga/host/serve`. */
export { findHost, type HostProcess, startHost } from './client/find-host.ts'
export { HostClient } from './client/host-client.ts'
export {
  type HostStatus,
  type MachineList,
  type MachineStatus,
  type TraceAnswer,
  type TraceQuestion,
  wantedNetwork,
} from './control/messages.ts'
export { type HostFolders, hostFolders } from './records/host-folders.ts'
export { type DiskRecord, type WantedMachine, wantedMachine } from './records/machine-record.ts'
