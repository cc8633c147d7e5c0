/** What makes a host's networks real: the thread that serves queues, behind an interface that tests can play. */

import type { Trace } from '@virga/fabric'
import type { NetworkSpec, Question } from './attach/host-networks.ts'

export interface NetworkBackend {
  create(spec: NetworkSpec): Promise<void>
  /** Removes a network that nothing is plugged into. */
  remove(name: string): Promise<void>
  /** Undefined: the machine is not plugged in, or has no address of that family. */
  trace(network: string, port: string, question: Question): Promise<Trace | undefined>
}
