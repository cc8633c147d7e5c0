/** Amounts as people write them on a command line. */

import { ok, type Result, userError } from '@virga/base'

const byteUnits: Readonly<Record<string, number>> = {
  '': 2 ** 20,
  b: 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  m: 2 ** 20,
  mib: 2 ** 20,
  g: 2 ** 30,
  gib: 2 ** 30,
  t: 2 ** 40,
  tib: 2 ** 40,
}

const timeUnitsMs: Readonly<Record<string, number>> = {
  '': 1000,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
}

/** Longer than any run, and about as long as a timer can be. */
const durationMsMax = 2 ** 31 - 1

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = unit === undefined ? undefined : units[unit.toLowerCase()]
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}

/** `512MiB`, `1GiB`, `512` (MiB) → bytes, a whole number. `flag` is how errors call it, `what` what it is of. */
export function parseBytes(flag: string, text: string, what: 'memory' | 'space' = 'memory'): Result<number> {
  const bytes = parse(text, byteUnits)
  return bytes === undefined
    ? userError(`${flag} takes an amount of ${what} such as 512MiB or 1GiB, not '${text}'`)
    : ok(Math.floor(bytes))
}

/** `60s`, `500ms`, `2m`, `90` (seconds) → milliseconds. `flag` is how errors call it. */
export function parseDurationMs(flag: string, text: string): Result<number> {
  const ms = parse(text, timeUnitsMs)
  if (ms === undefined) return userError(`${flag} takes a duration such as 60s, 500ms or 2m, not '${text}'`)
  return ok(Math.min(ms, durationMsMax))
}
