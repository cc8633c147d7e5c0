/** What a package reader throws at bytes that are no package; caught once, where the package is unpacked. */

/** `message` says what is wrong with the bytes, as the end of a sentence. */
export class MalformedPackage extends Error {
  override readonly name = 'MalformedPackage'
}
