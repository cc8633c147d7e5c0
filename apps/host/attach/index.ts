/** Front door of @virga/host/attach: networks for the thread that serves queues, and the thread of sockets. */
export { HostNetworks, type NetworkSpec, type Question } from './host-networks.ts'
export { NetPort } from './net-port.ts'
export { ByteRing } from './outside/byte-ring.ts'
export { OutsideThread } from './outside/outside-thread.ts'
