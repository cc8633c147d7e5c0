/** The part of an initramfs that is one run's own: the command it runs. See init-script.ts for its reader. */

import { writeCpio } from './cpio.ts'

/**
 * A cpio archive to lay behind an image's initrd, so that the guest runs `command` (a line, or lines, of sh) on
 * the console instead of a shell and powers off with its exit status. Its length is a multiple of 512.
 */
export function execArchive(command: string): Uint8Array {
  const script = new TextEncoder().encode(`#!/bin/sh\n${command}\n`)
  return writeCpio([
    { kind: 'directory', path: 'virga', mode: 0o755 },
    { kind: 'file', path: 'virga/exec', mode: 0o755, data: script },
  ])
}
