/** Whether the bundle that `npm run build` makes of the program is of the sources as they are now. */

import { readFileSync, statSync } from 'node:fs'

/** By the list that lies beside the bundle: sources, and when each was last changed. Any doubt is a no. */
export function isNewest(list: URL): boolean {
  try {
    const sources: Record<string, number> = JSON.parse(readFileSync(list, 'utf8'))
    return Object.entries(sources).every(
      ([path, changedMs]) => statSync(new URL(path, list)).mtimeMs === changedMs,
    )
  } catch {
    return false
  }
}
