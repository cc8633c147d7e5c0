/** Side door of @virga/vmm, for the threads of pCPUs: what runs a machine, without what makes one. */

export type { RegionHostMaker } from '@virga/riscv/hart'
export { createEngine, type EngineModules } from './engine.ts'
export { attachMachine, type Machine, type MachineDescriptor } from './machine.ts'
export { runPcpu } from './pcpu.ts'
