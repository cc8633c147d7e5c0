/**
 * What `micro` holds besides busybox and modules: its /init and a few files of /etc.
 * How it fits: the kernel runs /init as process 1. Without /virga/exec it keeps a login-free shell on the
 * console; with it (see exec-archive.ts) it runs that script once and gives its exit status to the machine
 * through the finisher register, so no one has to read it out of console text.
 *
 *   /init ── /virga/exec? ── no ──▶ shell on the console, started again whenever it ends
 *                          └ yes ─▶ /virga/exec ──▶ finisher register = its exit status
 *
 * The script runs under an interpreter too, so it forks as little as it can: builtins where there is one.
 */

import { findRootScript } from '../server/root-volume-script.ts'
import { scriptFolder } from '../server/script-folder.ts'

/**
 * Physical address of the finisher register. Writing `0x5555` powers the machine off with status 0;
 * `0x3333 | status << 16` powers it off with that status; `0x7777` resets it.
 * @spec sifive-test "Test Finisher"
 */
export const finisherAddress = 0x10_0000

/** Where an image lists paths, one a line, at which no busybox applet may be. See package-tree.ts. */
export const shadowsPath = 'virga/shadows'

/** In what the files of one image differ from those of another. */
export interface InitOptions {
  readonly hostname: string
  /** Whether there are programs besides busybox's, so that /virga/shadows is there. */
  readonly hasPrograms: boolean
}

/** The text of /init, for busybox sh. */
export function initScript({ hostname, hasPrograms }: InitOptions): string {
  // Where a program is, no applet of its name is installed; one in a folder that PATH names earlier must go.
  const clearShadows = hasPrograms ? `\nxargs rm -f < /${shadowsPath}` : ''
  return `#!/bin/busybox sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin HOME=/root
cd /

/bin/busybox --install -s${clearShadows}
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -m 755 /dev/pts
mkdir -m 1777 /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
ln -s /proc/self/fd /dev/fd
echo ${hostname} > /proc/sys/kernel/hostname

# The kernel gives TERM=linux unless its command line says better; a serial line is no Linux console.
[ "$TERM" = linux ] && TERM=vt220
size="cols \${COLUMNS:-80} rows \${LINES:-24}"
unset COLUMNS LINES

# Only drivers of devices that are there.
for alias in /sys/bus/platform/devices/*virtio_mmio*/modalias /sys/bus/platform/devices/*.virtio*/modalias; do
  [ -e "$alias" ] && { modprobe -q virtio_mmio; break; }
done
for alias in /sys/bus/virtio/devices/*/modalias; do
  [ -e "$alias" ] && read -r name < "$alias" && modprobe -q "$name"
done

if [ -e /virga/exec ]; then
  echo 1 > /proc/sys/kernel/printk
  stty $size -opost < /dev/console
  # The kernel hangs the line up when the session's leader ends, and drops what has not left it yet. So the leader
  # waits for that, which setting the line's mode does.
  setsid cttyhack sh -c '/virga/exec; status=$?; stty -opost; exit $status' < /dev/console > /dev/console 2>&1
  status=$?
  sync
  case $status in
    0) devmem ${hex(finisherAddress)} 32 0x5555 ;;
    *) devmem ${hex(finisherAddress)} 32 $((status << 16 | 0x3333)) ;;
  esac
  poweroff -f
fi

stty $size < /dev/console
${findRootScript}
exec init
`
}

/** Files of /etc, by path. */
export function etcFiles({ hostname, hasPrograms }: InitOptions): Readonly<Record<string, string>> {
  // Busybox's shell would run its applets whatever is in PATH; by its path, /bin/sh is the image's own shell.
  const shell = hasPrograms ? '/bin/sh' : 'sh'
  const prompt = hasPrograms ? `root@${hostname}:$PWD# ` : '\\u@\\h:\\w\\$ '
  return {
    'etc/inittab': `${[
      `::sysinit:/${scriptFolder}/start`,
      `::respawn:cttyhack ${shell} -l`,
      '::ctrlaltdel:reboot',
      `::shutdown:/${scriptFolder}/stop`,
    ].join('\n')}\n`,
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
    'etc/group': 'root:x:0:\ntty:x:5:\n',
    'etc/hostname': `${hostname}\n`,
    'etc/hosts': `127.0.0.1 localhost\n127.0.1.1 ${hostname}\n::1 localhost\n`,
    'etc/profile': `PS1='${prompt}'\ncd\n`,
  }
}

function hex(address: number): string {
  return `0x${address.toString(16)}`
}
