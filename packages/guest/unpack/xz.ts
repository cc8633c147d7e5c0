/** Decompression of .xz streams, by a decoder compiled to WebAssembly. @spec xz "The .xz File Format" */

import xz from 'xz-decompress'
import { MalformedPackage } from './malformed-package.ts'

/**
 * The decompressed bytes of `source`, one .xz stream, in pieces. Only one stream can be decoded at a time: a
 * second waits until the first is read to its end, or given up by ending the loop over it.
 * Bytes that are no .xz stream, or end too early, throw `MalformedPackage`; a failure of `source` is thrown as it is.
 */
export async function* decompressXz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let sourceFailure: unknown
  const input = ReadableStream.from(
    watched(source, (cause) => {
      sourceFailure = cause
    }),
  )
  const output = new xz.XzReadableStream(input).getReader()
  try {
    for (;;) {
      const { done, value } = await output.read()
      if (done) return
      if (value.length > 0) yield value
    }
  } catch (cause) {
    throw sourceFailure ?? new MalformedPackage('its xz data is damaged or ends too early', { cause })
  } finally {
    // Who stops early gives the decoder back; after the end, or an error that was told, there is nothing to cancel.
    await output.cancel().catch(() => undefined)
  }
}

async function* watched(
  source: AsyncIterable<Uint8Array>,
  failed: (cause: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* source
  } catch (cause) {
    failed(cause)
    throw cause
  }
}
