/** Side door @virga/vmm/scheduler: policies, and the simulator that they are measured in. */
export { clearSchedulerState, type PolicyOptions, usualTuning } from './accounts.ts'
export { GangPolicy } from './gang.ts'
export { type Entitlement, hartState, type SchedulerPolicy, usualEntitlement } from './policy.ts'
export { barrierBound, computing, locking, type Program, sleeping } from './programs.ts'
export { type MachineFigures, Simulation } from './simulator.ts'
export { schedulerStateBytes } from './state-words.ts'
export { UncoordinatedPolicy } from './uncoordinated.ts'
