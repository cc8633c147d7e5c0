/** Order of Debian package versions. @spec debian-policy "Version" */

/** Negative, 0 or positive as `a` is older than, the same as, or newer than `b`. */
export function compareVersions(a: string, b: string): number {
  const left = splitVersion(a)
  const right = splitVersion(b)
  return (
    left.epoch - right.epoch ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  )
}

/** The relations a dependency may ask for. */
export type VersionOperator = '<<' | '<=' | '=' | '>=' | '>>'

/** Whether `version` stands in relation `operator` to `wanted`. */
export function satisfies(version: string, operator: VersionOperator, wanted: string): boolean {
  const order = compareVersions(version, wanted)
  const answers = { '<<': order < 0, '<=': order <= 0, '=': order === 0, '>=': order >= 0, '>>': order > 0 }
  return answers[operator]
}

function splitVersion(version: string): { epoch: number; upstream: string; revision: string } {
  const colonAt = version.indexOf(':')
  const rest = version.slice(colonAt + 1)
  const dashAt = rest.lastIndexOf('-')
  return {
    epoch: colonAt < 0 ? 0 : Number(version.slice(0, colonAt)),
    upstream: dashAt < 0 ? rest : rest.slice(0, dashAt),
    revision: dashAt < 0 ? '' : rest.slice(dashAt + 1),
  }
}

/** Compares runs of non-digits and runs of digits by turns, from the left. */
function compareParts(a: string, b: string): number {
  const left = [...a.matchAll(/(\D*)(\d*)/g)]
  const right = [...b.matchAll(/(\D*)(\d*)/g)]
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [, leftText = '', leftNumber = ''] = left[index] ?? []
    const [, rightText = '', rightNumber = ''] = right[index] ?? []
    const order = compareText(leftText, rightText) || compareNumbers(leftNumber, rightNumber)
    if (order !== 0) return order
  }
  return 0
}

function compareText(a: string, b: string): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const order = weight(a[index]) - weight(b[index])
    if (order !== 0) return order
  }
  return 0
}

/** '~' sorts before the end, the end before letters, letters before all else. */
function weight(character: string | undefined): number {
  if (character === undefined) return 0
  if (character === '~') return -1
  const code = character.charCodeAt(0)
  return /[A-Za-z]/.test(character) ? code : code + 256
}

/** Digits may be more than a number can hold. */
function compareNumbers(a: string, b: string): number {
  const left = a.replace(/^0+/, '')
  const right = b.replace(/^0+/, '')
  if (left.length !== right.length) return left.length - right.length
  return left < right ? -1 : left > right ? 1 : 0
}
