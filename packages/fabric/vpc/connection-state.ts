/**
 * What a connection is in, and for how long it may be silent there. AWS's figures where AWS has them.
 *
 *   TCP    opening ──reply──► open ──FIN or RST──► closing ──RST, or both FIN──► closed
 *   UDP …  single  ──reply──► open
 *
 * A closed connection lives on for a moment, so that late segments of it are no new ones; a SYN opens it anew.
 * @spec tcp "State Machine Overview"
 */
import { ipProtocol, tcpFlag } from '@virga/packet'

/** States of a tracked connection. */
export const connectionState = { opening: 1, open: 2, closing: 3, closed: 4 } as const

/** Time is counted in eighths of a second, so that 31 bits last for eight years. */
export const ticksPerSecond = 8

const idleSeconds = {
  tcp: { 1: 30, 2: 432_000, 3: 120, 4: 10 },
  udp: { 1: 30, 2: 180, 3: 0, 4: 0 },
  icmp: { 1: 30, 2: 60, 3: 0, 4: 0 },
  other: { 1: 600, 2: 600, 3: 0, 4: 0 },
} as const

/** Ticks that a connection in `state` may be silent. */
export function idleTicks(protocol: number, state: number): number {
  const kind =
    protocol === ipProtocol.tcp
      ? idleSeconds.tcp
      : protocol === ipProtocol.udp
        ? idleSeconds.udp
        : protocol === ipProtocol.icmp || protocol === ipProtocol.icmpv6
          ? idleSeconds.icmp
          : idleSeconds.other
  return kind[state as 1 | 2 | 3 | 4] * ticksPerSecond
}

/** The state after a packet; `fin` are bits of who has sent FIN: 1 the initiator, 2 the other. */
export function nextState(
  state: number,
  protocol: number,
  fromInitiator: boolean,
  flags: number,
  fin: number,
): number {
  const { opening, open, closing, closed } = connectionState
  if (protocol !== ipProtocol.tcp) return fromInitiator ? state : open
  if ((flags & tcpFlag.rst) !== 0 || state === closed) return closed
  if (fin === 3) return closed
  if (fin !== 0) return closing
  return state === opening && !fromInitiator ? open : state
}

/** Whether a segment opens a connection anew: SYN without ACK. */
export function isOpening(protocol: number, flags: number): boolean {
  return protocol === ipProtocol.tcp && (flags & (tcpFlag.syn | tcpFlag.ack)) === tcpFlag.syn
}
