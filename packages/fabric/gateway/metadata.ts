/**
 * Metadata at 169.254.169.254 and fd00:ec2::254, port 80: a machine's connection, ended here and handed up with the port it
 * came in by. Who asks is known by that, never by an address that could be written by anybody. Firewalls are not asked.
 */
import type { RandomWord } from '@virga/base'
import type { VpcNetwork } from '../vpc/vpc-network.ts'
import type { MachineStream } from './byte-stream.ts'
import { TcpTranslator } from './tcp-translator.ts'

/** Attaches metadata to a network: `accept` gets each connection. The translator wants its `tick`. */
export function attachMetadata(
  network: VpcNetwork,
  accept: (stream: MachineStream) => void,
  random: RandomWord,
): TcpTranslator {
  const translator = new TcpTranslator({
    send: (port, pieces, nowMs) => network.transmitFromService(port, pieces, nowMs),
    flush: () => network.flush(),
    accept: (stream) => (stream.remote.port === 80 ? accept(stream) : stream.refuse('refused')),
    random,
  })
  network.setMetadata(translator)
  return translator
}
