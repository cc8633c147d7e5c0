/**
 * Debian's control-file syntax: stanzas of `Name: value` fields, one stanza a paragraph.
 * @spec debian-policy "Syntax of control files"
 */

/** One stanza: values by lower-case field name. A continued value has its lines joined by '\n', not indented. */
export type Stanza = ReadonlyMap<string, string>

/** The stanzas of `text`, in order. Comment lines, and lines that are neither field nor continuation, are left out. */
export function parseStanzas(text: string): Stanza[] {
  return text
    .split(/\n(?:[ \t\r]*\n)+/)
    .map(parseStanza)
    .filter((stanza) => stanza.size > 0)
}

/** The one stanza that `text` is. */
export function parseStanza(text: string): Stanza {
  const stanza = new Map<string, string>()
  let field: string | undefined
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue
    if (/^[ \t]/.test(line)) {
      if (field !== undefined) stanza.set(field, `${stanza.get(field) ?? ''}\n${line.trim()}`)
      continue
    }
    const colonAt = line.indexOf(':')
    field = colonAt > 0 ? line.slice(0, colonAt).toLowerCase() : undefined
    if (field !== undefined) stanza.set(field, line.slice(colonAt + 1).trim())
  }
  return stanza
}
