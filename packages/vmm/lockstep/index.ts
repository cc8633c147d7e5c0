/** Side door of @virga/vmm: a machine that two engines run side by side, for whoever doubts one of them. */
export { LockstepEngine, type LockstepParts } from './engine.ts'
export { createTwins, type Twins } from './twins.ts'
