/** The guest's scripts in a folder that stands for its root, so that the host's shell can run them. */

import { guestScripts } from '../server/guest-files.ts'
import { scriptFolder } from '../server/script-folder.ts'

/** What of `node:fs` it takes. */
export interface FolderMaker {
  mkdtempSync(prefix: string): string
  mkdirSync(path: string, options: { recursive: true }): unknown
  writeFileSync(path: string, text: string, options?: { mode: number }): void
}

/** Makes the folder in `parent`. Its scripts name /bin/sh, which any host has. */
export function makeGuestRoot(fs: FolderMaker, parent: string): string {
  const root = fs.mkdtempSync(`${parent}/virga-guest-`)
  for (const folder of [scriptFolder, 'etc', 'root']) fs.mkdirSync(`${root}/${folder}`, { recursive: true })
  fs.writeFileSync(`${root}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\n')
  fs.writeFileSync(`${root}/etc/group`, 'root:x:0:\n')
  for (const [name, text] of Object.entries(guestScripts)) {
    const hostText = text.replace(/^#!\/bin\/busybox sh/, '#!/bin/sh')
    fs.writeFileSync(`${root}/${scriptFolder}/${name}`, hostText, { mode: 0o755 })
  }
  return root
}
