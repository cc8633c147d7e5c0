/** The engines that `virga run --engine` knows. */

/** How guest code can be run; lockstep: both others side by side, compared. */
export const engineNames = ['interpreter', 'jit', 'lockstep'] as const

/** One of them. */
export type EngineName = (typeof engineNames)[number]
