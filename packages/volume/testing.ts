/** What tests of volumes, here and elsewhere, are made with. */

export { misbehaviour, newDamagedTrial } from './testing/corruption.ts'
export { type FileEvent, MemoryFile, MemoryFolder } from './testing/memory-file.ts'
export { Random } from './testing/random.ts'
export { contentOf, createIn, inflate, newTrial, openIn, type Trial } from './testing/trial.ts'
export { isEqual, VolumeModel } from './testing/volume-model.ts'
