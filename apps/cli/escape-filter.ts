/** Takes the escape sequences of a console session out of what a person types. */

const escapeKey = 0x01

/** What a pressed escape sequence asks for. */
export type TerminalCommand = 'leave' | 'help'

/** Text shown on Ctrl-A h. Lines end as a terminal in raw mode needs it. */
function helpText(leave: string): string {
  return [
    '',
    `  Ctrl-A x       ${leave}`,
    '  Ctrl-A h       this help',
    '  Ctrl-A Ctrl-A  send Ctrl-A to the guest',
    '',
  ].join('\r\n')
}

/** Where the machine lives as long as the terminal. */
export const terminalHelp = helpText('end the machine and leave')

/** Where the machine goes on. */
export const consoleHelp = helpText('leave; the machine goes on')

/** Splits what a person types into bytes for the guest and commands. Keeps the state between chunks. */
export class EscapeFilter {
  #escaped = false

  /** Calls back for each run of guest bytes and each command, in order. */
  feed(
    chunk: Uint8Array,
    toGuest: (bytes: Uint8Array) => void,
    command: (command: TerminalCommand) => void,
  ): void {
    let pending: number[] = []
    const flush = () => {
      if (pending.length > 0) toGuest(Uint8Array.from(pending))
      pending = []
    }
    for (const byte of chunk) {
      if (!this.#escaped) {
        if (byte === escapeKey) this.#escaped = true
        else pending.push(byte)
        continue
      }
      this.#escaped = false
      const known = commandFor(byte)
      if (known === undefined) {
        pending.push(...(byte === escapeKey ? [escapeKey] : [escapeKey, byte]))
      } else {
        flush()
        command(known)
      }
    }
    flush()
  }
}

function commandFor(byte: number): TerminalCommand | undefined {
  // Whoever keeps Ctrl pressed means the same key; only Ctrl-H stays the guest's, it is a rubout.
  const key = byte === 0x18 ? 'x' : String.fromCharCode(byte).toLowerCase()
  if (key === 'x') return 'leave'
  return key === 'h' || key === '?' ? 'help' : undefined
}
