/** All files of /usr/lib/virga, and those of /etc that belong to them, for any image. */

import { agentScript } from '../agent/agent-script.ts'
import type { CpioEntry } from '../image/cpio.ts'
import { addKeysScript, instanceScript, serveSshScript, setHostnameScript } from './instance-script.ts'
import { leaseScript, networkScript } from './network-script.ts'
import { checkRootScript, makeRootScript } from './root-volume-script.ts'
import { scriptFolder } from './script-folder.ts'
import { startScript, stopScript, tellReadyScript } from './start-script.ts'
import { cloudConfigScript, userDataScript } from './user-data-script.ts'
import { yamlScript } from './yaml-script.ts'

/** Texts of the files of /usr/lib/virga, by name. */
export const guestScripts: Readonly<Record<string, string>> = {
  'add-keys': addKeysScript,
  agent: agentScript,
  'check-root': checkRootScript,
  'cloud-config': cloudConfigScript,
  instance: instanceScript,
  lease: leaseScript,
  'make-root': makeRootScript,
  network: networkScript,
  'serve-ssh': serveSshScript,
  'set-hostname': setHostnameScript,
  start: startScript,
  stop: stopScript,
  'tell-ready': tellReadyScript,
  'user-data': userDataScript,
  'yaml.awk': yamlScript,
}

/** The power button as busybox's acpid knows it. */
const powerButton = { path: 'etc/acpi/PWRF/00000080', text: '#!/bin/busybox sh\nexec poweroff\n' }

/** The entries of an initial RAM disk, parents first; `etc` and `usr` are there. */
export function guestFileEntries(): CpioEntry[] {
  const encoder = new TextEncoder()
  const directories = ['etc/acpi', 'etc/acpi/PWRF', 'usr/lib', scriptFolder, 'home', 'var/lib', 'var/log']
  const files = [
    powerButton,
    ...Object.entries(guestScripts).map(([name, text]) => ({ path: `${scriptFolder}/${name}`, text })),
  ]
  return [
    ...directories.map((path) => ({ kind: 'directory', path, mode: 0o755 }) as const),
    ...files.map(
      ({ path, text }) => ({ kind: 'file', path, mode: 0o755, data: encoder.encode(text) }) as const,
    ),
  ]
}
