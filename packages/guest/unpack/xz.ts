/** Decompression of .xz streams, by a decoder compiled to WebAssembly. @spec xz "The .xz File Format" */

import xz from 'xz-decompress'
import { MalformedPackage } from './malformed-package.ts'

/**
 * The decompressed bytes of `source`, one .xz stream, in pieces.
 * Bytes that are no .xz stream, or end too early, throw `MalformedPackage`.
 */
export async function* decompressXz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const output = new xz.XzReadableStream(ReadableStream.from(endMarked(source))).getReader()
  try {
    for (;;) {
      const { done, value } = await output.read()
      if (done) return
      if (value.length > 0) yield value
    }
  } catch (cause) {
    if (cause instanceof MalformedPackage) throw cause
    throw new MalformedPackage('its xz data is damaged or ends too early', { cause })
  } finally {
    // A reader that stops early must give the decoder back: it decodes one stream at a time.
    await output.cancel().catch(() => undefined)
  }
}

/**
 * The decoder asks for more after a stream that ends too early and would take nothing for an answer; one
 * byte that cannot go on any .xz stream makes it stop with an error instead.
 */
async function* endMarked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* source
}
