/**
 * Where a machine's console input comes from: a person's terminal, raw and with an escape key that works whatever
 * the guest does; or a pipe or file, typed in as it is.
 */

import { EscapeFilter, type TerminalCommand } from './escape-filter.ts'

export { terminalHelp } from './escape-filter.ts'

/** An open source of input; `close` gives the person's terminal back as it was. */
export interface ConsoleInput {
  close(): void
}

/** Options of `openTerminal`. */
export interface TerminalOptions {
  readonly input: NodeJS.ReadStream
  readonly onBytes: (bytes: Uint8Array) => void
  readonly onCommand: (command: TerminalCommand) => void
}

/** Reads keys, all of them: Ctrl-C and its like are the guest's. */
export function openTerminal({ input, onBytes, onCommand }: TerminalOptions): ConsoleInput {
  const filter = new EscapeFilter()
  const listener = (chunk: Buffer) => filter.feed(chunk, onBytes, onCommand)
  input.setRawMode(true)
  input.on('data', listener)
  return {
    close: () => {
      input.off('data', listener)
      input.pause()
      input.setRawMode(false)
    },
  }
}

/** Options of `openPipe`. */
export interface PipeOptions {
  readonly input: NodeJS.ReadableStream
  readonly onBytes: (bytes: Uint8Array) => void
  /** called once, when there will be no more; also when the input cannot be read, as after `<&-` */
  readonly onEnd: () => void
}

/** Passes bytes on. */
export function openPipe({ input, onBytes, onEnd }: PipeOptions): ConsoleInput {
  const onData = (chunk: Buffer) => onBytes(chunk)
  input.on('data', onData)
  input.once('end', onEnd)
  input.once('error', onEnd)
  return {
    close: () => {
      input.off('data', onData)
      input.off('end', onEnd)
      input.pause()
    },
  }
}
