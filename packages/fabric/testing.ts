/** Front door for tests, benchmarks and the fuzzer: receivers over plain memory, small worlds, random lives, judges. */
export { HostileJudge } from './testing/judge-network.ts'
export { MemoryReceiver, type Received } from './testing/memory-receiver.ts'
export { Scenario } from './testing/scenario.ts'
export { anything, cidr, group, ip, type Machine, piecesOf, routerMac, rule, World } from './testing/world.ts'
