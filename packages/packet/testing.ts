/** Front door for tests: whole frames from a few words, and judges of frames that share no code with the builders. */
export { buildFrame, type FrameSpec, type Payload } from './testing/build-frame.ts'
export { frameWrongs, parsed } from './testing/judge-frame.ts'
