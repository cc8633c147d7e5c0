/**
 * What runs in a machine after /init, as scripts of /usr/lib/virga: busybox's init runs `start` before the shell on
 * the console, and `stop` when the machine is to power off or reboot.
 *
 *   /init ─▶ init ─▶ start ─┬─ root volume: fsck, writable, grown
 *                           ├─ power button? ─▶ acpid
 *                           ├─ port virga.agent? ─▶ agent, for as long as the machine runs
 *                           └─ network devices? ─▶ network ─▶ (lease) instance ─▶ SSH, user-data
 *
 * Why in the background, and only what has a device: a machine that has none of these starts as if they were not there.
 */

import { rootVolumeDevice } from './root-volume-script.ts'
import { scriptFolder } from './script-folder.ts'

const lib = `/${scriptFolder}`

/** `start`: init waits for it. */
export const startScript = `#!/bin/busybox sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin HOME=/root
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/virga /var/log
say() { echo "virga: $*" > /dev/console; }

while read -r device point _; do
  [ "$device $point" = "${rootVolumeDevice} /" ] && . ${lib}/check-root && break
done < /proc/mounts
read -r name < /etc/hostname && echo "$name" > /proc/sys/kernel/hostname
ip link set lo up

for input in /sys/class/input/input*; do
  [ -e "$input" ] || break
  modprobe -q evdev
  acpid -l /dev/null -p /run/acpid.pid
  break
done

for port in /sys/class/virtio-ports/*; do
  [ -e "$port/name" ] && read -r name < "$port/name" && [ "$name" = virga.agent ] || continue
  (while :; do setsid ${lib}/agent 0<> "/dev/\${port##*/}" >&0; sleep 1; done) < /dev/null > /dev/null 2>&1 &
  break
done

for device in /sys/class/net/*; do
  [ -e "$device/device" ] || continue
  ${lib}/network "\${device##*/}"
  networked=1
done
[ -n "$networked" ] || ${lib}/tell-ready
exit 0
`

/**
 * `stop`: only a root volume needs it. All programs must end, or it could not be made read-only; init would end them
 * later.
 */
export const stopScript = `#!/bin/busybox sh
while read -r device point _; do
  [ "$device $point" = "${rootVolumeDevice} /" ] && isDisk=1
done < /proc/mounts
[ -n "$isDisk" ] || exit 0
others() {
  for process in /proc/[0-9]*; do
    # Kernel threads have no program.
    case $process in /proc/1|/proc/$$) ;; *) [ -e "$process/exe" ] && return 0 ;; esac
  done
  return 1
}
# A shell at a terminal heeds only the first.
kill -HUP -1
kill -TERM -1
tries=0
while others && [ $tries -lt 30 ]; do usleep 100000; tries=$((tries + 1)); done
kill -KILL -1
sync
umount -a -r -t ext4 2>/dev/null
mount -o remount,ro /
`

/** `tell-ready`: what the agent's ready notice says, written when the machine is as its user wants it. */
export const tellReadyScript = `#!/bin/busybox sh
read -r name < /proc/sys/kernel/hostname
read -r id 2>/dev/null < /var/lib/virga/instance-id
{
  echo -n "hostname=$name"
  [ -n "$id" ] && echo -n " instance=$id"
  ip -o addr show scope global 2>/dev/null | while read -r _ device _ address _; do
    echo -n " address=$device/$address"
  done
  echo
} > /run/virga/ready.part
mv /run/virga/ready.part /run/virga/ready
`
