/** Front door of @virga/device. */
export { type AccessBytes, Bus, type MmioDevice, type WordPair } from './bus.ts'
export { ByteRing } from './byte-ring.ts'
export type { DmaAccess, DmaMemory, PieceSink } from './dma-memory.ts'
export { Doorbell } from './doorbell.ts'
export { type HartLine, type HartLines, hartLineBit, type InterruptLine } from './interrupt-line.ts'
export {
  type Device,
  type DeviceState,
  type Snapshot,
  type SnapshotMismatch,
  transitions,
} from './lifecycle.ts'
export type { Bar, Capability } from './pci/config-header.ts'
export {
  drivePins,
  hostBridgeWindows,
  type PciSlot,
  type PciWindow,
  pciDevicesMax,
  pciInterrupts,
  swizzle,
} from './pci/host-bridge.ts'
export type { MessageSink, MsiXPlan } from './pci/msi-x.ts'
export {
  PciFunction,
  type PciFunctionPlan,
  type PciWires,
  pciFunctionWords,
  pciLayout,
} from './pci/pci-function.ts'
export { RootFunction } from './pci/root-function.ts'
export { type Register, RegisterMap } from './register-map.ts'
export { SharedMutex } from './shared-mutex.ts'
export { type DeviceIdentity, WordDevice } from './word-device.ts'
export { declareWords, type WordLayout } from './word-layout.ts'
export { type StateIdentity, WordState } from './word-state.ts'
