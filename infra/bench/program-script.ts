/** One sh script for many programs, and their figures out of what it printed. */

import { type ProgramItem, preparation } from './program-items.ts'

/** Runs `items` in turn, with marks around what each prints and the clock in each mark; ends at the first failure. */
export function programScript(items: readonly ProgramItem[]): string {
  const mark = (what: string, index: number): string =>
    `read up idle < /proc/uptime; echo "@${what} ${index} $up"`
  const programs = items.map(({ name, before, script }, index) => {
    const orFail = `|| { echo "${name} failed"; exit 1; }`
    const prepared = before === undefined ? '' : `{ ${before}\n} ${orFail}\n`
    return `${prepared}${mark('begin', index)}\n{ ${script}\n} ${orFail}\n${mark('end', index)}`
  })
  return [preparation, ...programs].join('\n')
}

/** The figure of each item in what the script printed. Throws where there is none. */
export function readFigures(items: readonly ProgramItem[], stdout: string): number[] {
  return items.map(({ name, value }, index) => {
    const marked = new RegExp(`@begin ${index} ([\\d.]+)\\r?\\n([^]*?)@end ${index} ([\\d.]+)`)
    const [, began, output = '', ended] = marked.exec(stdout) ?? []
    const figure = value === undefined ? Number(ended) - Number(began) : value(output)
    if (figure === undefined || !(figure > 0)) {
      throw new Error(`no figure of ${name} in what the guest printed:\n${stdout}`)
    }
    return figure
  })
}
