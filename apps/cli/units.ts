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
}

const timeUnitsMs: Readonly<Record<string, number>> = {
  '': 1000,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
}

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = unit === undefined ? undefined : units[unit.toLowerCase()]
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}

/** `512MiB`, `1GiB`, `512` (MiB) → bytes, a whole number. */
export function parseBytes(text: string): Result<number> {
  const bytes = parse(text, byteUnits)
  return bytes === undefined
    ? userError(`'${text}' is no amount of memory; write it like 512MiB or 1GiB`)
    : ok(Math.floor(bytes))
}

/** `60s`, `500ms`, `2m`, `90` (seconds) → milliseconds. */
export function parseDurationMs(text: string): Result<number> {
  const ms = parse(text, timeUnitsMs)
  return ms === undefined ? userError(`'${text}' is no duration; write it like 60s, 500ms or 2m`) : ok(ms)
}
