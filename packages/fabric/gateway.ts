/** Front door of @virga/fabric/gateway: connections that end in the fabric. */
export type { Endpoint, MachineStream, Refusal, StreamListener } from './gateway/byte-stream.ts'
export type { DatagramSocket, OpenDatagramSocket } from './gateway/datagrams.ts'
export { type EgressException, type EgressPolicy, mayReach } from './gateway/egress-policy.ts'
export { Gateway, type GatewayOptions } from './gateway/gateway.ts'
export { attachMetadata } from './gateway/metadata.ts'
export { TcpTranslator, type TranslatorOptions } from './gateway/tcp-translator.ts'
