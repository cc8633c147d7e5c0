/** Front door of @virga/fabric. */

export { type CapturedFrame, PcapngWriter } from './capture/pcapng.ts'
export { counter, type PortCounters } from './counters.ts'
export {
  type DropReason,
  describeDrop,
  dropCode,
  dropReasons,
  reasonOf,
  type Stage,
  stages,
} from './drop-reason.ts'
export { PieceList } from './frame/piece-list.ts'
export { offload, type Receiver } from './frame/receiver.ts'
export type { SecurityMode } from './port-security.ts'
export {
  SegmentNetwork,
  type SegmentOptions,
  type SegmentPort,
  segmentStateBytes,
} from './segment/segment-network.ts'
export type { DnsForward } from './services/name-server.ts'
export type { Translator } from './services/services.ts'
export type { Trace, TraceStep } from './vpc/decision.ts'
export type { FirewallRule, RulePeer, SecurityGroup } from './vpc/firewall.ts'
export type { SharedAddress } from './vpc/nat.ts'
export type { PortConfig } from './vpc/port-table.ts'
export type { Route, RouteTarget } from './vpc/routes.ts'
export {
  type FloatingAddress,
  type FrameObserver,
  type Uplink,
  VpcNetwork,
  type VpcOptions,
} from './vpc/vpc-network.ts'
export { usualLimits, type VpcLimits, vpcStateBytes } from './vpc/vpc-state.ts'
