/** Side door of @virga/vmm, for the I/O thread: what serves a machine's devices, without what makes one. */

export type { DeviceConfig } from './devices.ts'
export { Io, type IoOptions, runIo } from './io.ts'
export { attachMachine, type Machine, type MachineDescriptor } from './machine.ts'
export { PageRelease } from './memory/page-release.ts'
