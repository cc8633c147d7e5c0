/**
 * Where a machine's console input comes from: a person's terminal, raw and with an escape key that works whatever
 * the guest does; or a pipe or file, typed in as it is.
 */

import type { Readable } from 'node:stream'
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
  // Not by itself, after a machine before this one has let go of it.
  input.resume()
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
  readonly input: Readable
  /** resolves when more may come */
  readonly onBytes: (bytes: Uint8Array) => Promise<void>
  /** called once, when there will be no more; also when the input cannot be read, as after `<&-` */
  readonly onEnd: () => void
}

/** Passes bytes on, no faster than the guest takes them. */
export function openPipe({ input, onBytes, onEnd }: PipeOptions): ConsoleInput {
  let closed = false
  const onData = async (chunk: Buffer) => {
    input.pause()
    await onBytes(chunk)
    if (!closed) input.resume()
  }
  input.on('data', onData)
  input.once('end', onEnd)
  input.once('error', onEnd)
  // A machine before this one, restarted since, may have seen the end already.
  if (input.readableEnded || input.errored !== null) onEnd()
  else input.resume()
  return {
    close: () => {
      closed = true
      input.off('data', onData)
      input.off('end', onEnd)
      input.off('error', onEnd)
      input.pause()
    },
  }
}
