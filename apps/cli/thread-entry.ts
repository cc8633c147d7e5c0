/** Where the entries of threads are: beside this file, in the sources as in the bundle that `npm run build` makes. */

import { extname } from 'node:path'

/** The module that a thread begins with, by its name without ending. */
export function threadEntry(name: string): URL {
  return new URL(`./${name}${extname(import.meta.url)}`, import.meta.url)
}
