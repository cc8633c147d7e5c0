/** Running text for a terminal of 80 columns. */

/** Columns that everything printed fits in. */
export const columns = 80

/** `text` with its words on lines of at most `columns`, each begun by `indent` (the first by `first`); no newline at the end. */
export function wrapped(text: string, indent = '', first = indent): string {
  const lines: string[] = []
  let line = first
  let isEmpty = true
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = indent
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line].join('\n')
}
