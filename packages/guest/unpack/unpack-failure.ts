/** What unpacking throws, made into the world's error that it is. */

import { type Result, worldError } from '@virga/base'
import { UnreadableFile } from '../transfer/store.ts'
import { MalformedPackage } from './malformed-package.ts'

/** The error for `cause`, thrown while `what` was unpacked; throws `cause` itself when it is a mistake of ours. */
export function unpackFailure(what: string, cause: unknown): Result<never> {
  if (cause instanceof UnreadableFile) return worldError(cause.message, cause)
  if (!(cause instanceof MalformedPackage)) throw cause
  return worldError(`${what} cannot be unpacked: ${cause.message}`, cause)
}
