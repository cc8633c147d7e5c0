/** For tests: a kernel image with the tables of `kallsyms`, so that each can be damaged. */

/** What the tables say. */
export interface KallsymsFixture {
  /** offset from the base, kind and name; in the order of their offsets */
  readonly symbols: readonly (readonly [offset: number, kind: string, name: string])[]
  readonly base: bigint
  /** bytes before the tables, a multiple of 8 */
  readonly before?: Uint8Array
}

/** Where the tables are in the image. */
export interface KallsymsImage {
  readonly bytes: Uint8Array
  readonly at: {
    readonly count: number
    readonly markers: number
    readonly tokens: number
    readonly tokenIndex: number
    readonly offsets: number
  }
}

/** Tokens of more than one letter, in place of characters that no name has. */
const shorthands: Readonly<Record<number, string>> = { 1: 'handle_', 2: 'exception', 200: 'sys_' }

/** The image: each table on a multiple of 8. */
export function buildKallsyms({
  symbols,
  base,
  before = new Uint8Array(64),
}: KallsymsFixture): KallsymsImage {
  const bytes: number[] = [...before]
  const align = () => {
    while (bytes.length % 8 !== 0) bytes.push(0)
    return bytes.length
  }
  const number = (value: number | bigint, byteCount: number) => {
    for (let i = 0; i < byteCount; i++) bytes.push(Number((BigInt(value) >> BigInt(8 * i)) & 0xffn))
  }
  const texts = Array.from(
    { length: 256 },
    (_, token) => shorthands[token] ?? String.fromCharCode(token % 128 || 63),
  )
  const count = align()
  number(symbols.length, 4)
  const names = align()
  const marks: number[] = []
  for (const [index, [, kind, name]] of symbols.entries()) {
    if (index % 256 === 0) marks.push(bytes.length - names)
    const tokens = tokensOf(kind + name)
    if (tokens.length < 128) bytes.push(tokens.length)
    else bytes.push((tokens.length & 127) | 128, tokens.length >> 7)
    bytes.push(...tokens)
  }
  const markers = align()
  for (const mark of marks) number(mark, 4)
  const tokens = align()
  const starts = texts.map((text) => {
    const start = bytes.length - tokens
    bytes.push(...[...text].map((letter) => letter.charCodeAt(0)), 0)
    return start
  })
  const tokenIndex = align()
  for (const start of starts) number(start, 2)
  const offsets = align()
  for (const [offset] of symbols) number(offset, 4)
  align()
  number(base, 8)
  return { bytes: Uint8Array.from(bytes), at: { count, markers, tokens, tokenIndex, offsets } }
}

function tokensOf(text: string): number[] {
  let rest = text
  const tokens: number[] = []
  while (rest !== '') {
    const [token, used] = Object.entries(shorthands).find(([, short]) => rest.startsWith(short)) ?? [
      rest.charCodeAt(0),
      rest.slice(0, 1),
    ]
    tokens.push(Number(token))
    rest = rest.slice(used.length)
  }
  return tokens
}
