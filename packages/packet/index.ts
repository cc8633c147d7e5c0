/** Front door of @virga/packet: headers, and what the data path does with them. */
export {
  readI32,
  readMac,
  readU16,
  readU16Le,
  readU32,
  writeMac,
  writeU16,
  writeU16Le,
  writeU32,
} from './byte-order.ts'
export {
  checksumOf,
  foldSum,
  pseudoHeaderSum,
  sumBytes,
  swapSum,
  updateChecksum,
  updatePartial,
  writeIpv4Checksum,
  writeTransportChecksum,
} from './checksum.ts'
export { type EthernetHeader, ethernet, etherType, readEthernet, writeEthernet } from './ethernet.ts'
export {
  ipOfWords,
  loadIpv4,
  loadIpv6,
  readIp,
  wordsAre,
  wordsOfIp,
  writeIp,
  writeIp128,
} from './ip-words.ts'
export { type Ipv4, ipProtocol, ipv4Fragment, ipv4Header, readIpv4, writeIpv4 } from './ipv4.ts'
export { extensionsMax, type Ipv6, ipv6Extension, ipv6Header, readIpv6, writeIpv6 } from './ipv6.ts'
export { type FrameFault, fragmentKind, frameFault, PacketTuple, ParsedFrame } from './parsed-frame.ts'
export {
  completeChecksum,
  emptySegmentLayout,
  gsoSizeMin,
  layoutSegments,
  type SegmentLayout,
  segmentFrame,
  segmentPayloadBytes,
  segmentsMax,
  writeSegmentHeaders,
} from './segmentation.ts'
export { readTcp, type Tcp, type TcpOptions, tcpFlag, tcpHeader, writeTcp } from './tcp.ts'
export { readUdp, type Udp, udpHeader, writeUdp } from './udp.ts'
export {
  loadVnetHeader,
  plainVnetHeader,
  type VnetHeader,
  vnetFlag,
  vnetGso,
  vnetHeaderBytes,
  writeVnetHeader,
} from './vnet-header.ts'
