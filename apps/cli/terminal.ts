/**
 * The person's side of a machine's console: raw keys in, bytes out, and an escape key that works whatever the
 * guest does. Ctrl-A x leaves, Ctrl-A h helps, Ctrl-A Ctrl-A is Ctrl-A.
 */

const escapeKey = 0x01

/** What a pressed escape sequence asks for. */
export type TerminalCommand = 'leave' | 'help'

/** Text shown on Ctrl-A h. */
export const terminalHelp = `\r
  Ctrl-A x   end the machine and leave\r
  Ctrl-A h   this help\r
  Ctrl-A Ctrl-A   send Ctrl-A to the guest\r
`

/** Splits what a person types into bytes for the guest and commands. Keeps the state between chunks. */
export class EscapeFilter {
  private escaped = false

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
      if (!this.escaped) {
        if (byte === escapeKey) this.escaped = true
        else pending.push(byte)
        continue
      }
      this.escaped = false
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
  const key = String.fromCharCode(byte).toLowerCase()
  if (key === 'x') return 'leave'
  return key === 'h' || key === '?' ? 'help' : undefined
}

/** An open terminal; `close` gives the person's terminal back as it was. */
export interface Terminal {
  close(): void
}

/** Options of `openTerminal`. */
export interface TerminalOptions {
  readonly input: NodeJS.ReadStream
  readonly onBytes: (bytes: Uint8Array) => void
  readonly onCommand: (command: TerminalCommand) => void
}

/** Reads keys (raw when the input is a terminal; a pipe or file is passed on as it is). */
export function openTerminal({ input, onBytes, onCommand }: TerminalOptions): Terminal {
  const filter = new EscapeFilter()
  const isTerminal = input.isTTY === true
  if (isTerminal) input.setRawMode(true)
  const listener = (chunk: Buffer) => {
    if (isTerminal) filter.feed(chunk, onBytes, onCommand)
    else onBytes(chunk)
  }
  input.on('data', listener)
  input.resume()
  return {
    close: () => {
      input.off('data', listener)
      input.pause()
      if (isTerminal) input.setRawMode(false)
    },
  }
}
