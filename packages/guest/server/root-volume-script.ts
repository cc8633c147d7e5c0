/**
 * The root volume: a disk that has all files of a machine, so that what is written survives.
 *
 *   /init      ─▶ find-root    /dev/vda is labelled? mount it read-only and switch to it
 *              └▶ make-root    it is empty, and this image can make file systems: format it and copy this root there
 *   start      ─▶ check-root   e2fsck, writable, resize2fs when the disk has grown
 *   stop                       read-only again, so that the next start finds nothing to mend
 *
 * Invariants: only a disk of zeros is ever formatted, and only by an image with mke2fs; another disk is not touched.
 * A volume is labelled last of all, so that one which was being made when the machine died is not taken for one.
 */

/** The one disk that can be a root volume. */
export const rootVolumeDevice = '/dev/vda'

/** What its ext4 file system is called. */
export const rootVolumeLabel = 'virga-root'

/** Bytes at the beginning of a disk that must be zero for it to count as empty. */
const emptyMiB = 4

/** Part of /init, process 1; it does not come back when there is a root volume. */
export const findRootScript = `
label() { dd if=${rootVolumeDevice} bs=8 skip=143 count=2 2>/dev/null | tr -d '\\0'; }
is_empty() { dd if=${rootVolumeDevice} bs=1M count=${emptyMiB} 2>/dev/null | tr -d '\\0' | head -c 1 | wc -c | grep -q '^0'; }
if [ -b ${rootVolumeDevice} ]; then
  if [ -x /sbin/mke2fs ] && [ "$(label)" != ${rootVolumeLabel} ] && is_empty; then
    echo 'virga: ${rootVolumeDevice} is empty: making it the root volume'
    /usr/lib/virga/make-root || echo 'virga: it cannot be one'
  fi
  if [ "$(label)" = ${rootVolumeLabel} ]; then
    modprobe -q ext4
    mkdir -p /newroot
    if mount -t ext4 -o ro,noinit_itable ${rootVolumeDevice} /newroot; then
      release=$(uname -r)
      # This kernel is newer than the volume: it brings its modules along.
      if [ ! -e "/newroot/lib/modules/$release" ] && mount -o remount,rw /newroot; then
        cp -a "/lib/modules/$release" /newroot/lib/modules/
        mount -o remount,ro /newroot
      fi
      for folder in dev proc sys; do mount -o move /$folder /newroot/$folder; done
      exec switch_root -c /dev/console /newroot /sbin/init
    fi
    echo 'virga: the root volume cannot be mounted; running from memory'
  fi
fi
`

/**
 * `make-root`: makes an ext4 file system of the whole disk and copies the root there. What is this start's own (logs,
 * keys, command to run) is not in it. File systems are checked with checksums and grown while they are mounted.
 */
export const makeRootScript = `#!/bin/busybox sh
set -e
disk=${rootVolumeDevice}
modprobe -q ext4
/sbin/mke2fs -q -F -t ext4 -m 1 -E lazy_itable_init=1,assume_storage_prezeroed=1 $disk
mkdir -p /newroot
mount -t ext4 -o noinit_itable $disk /newroot
for path in /*; do
  case $path in
    /dev|/mnt|/newroot|/proc|/run|/sys|/tmp|/virga|/init) ;;
    *) cp -a $path /newroot/ ;;
  esac
done
cd /newroot
mkdir -p dev mnt proc run sys home root var/lib var/log
mkdir -m 1777 tmp
rm -rf lost+found var/lib/virga etc/dropbear root/.ssh
chmod 700 root
cd /
umount /newroot
/sbin/tune2fs -L ${rootVolumeLabel} $disk > /dev/null
sync
`

/** `check-root`, part of `start`. The root is mounted read-only, as e2fsck wants it. */
export const checkRootScript = `
if [ -x /sbin/e2fsck ]; then
  /sbin/e2fsck -p ${rootVolumeDevice} > /run/virga/fsck 2>&1
  status=$?
  [ $status -eq 0 ] || { say 'the root volume was not sound:'; cat /run/virga/fsck > /dev/console; }
  # 2: mended, but the kernel has the old state. 4 and more: not mended.
  [ $status -lt 4 ] && [ $((status & 2)) -ne 0 ] && reboot -f
fi
if [ "\${status:-0}" -lt 4 ]; then
  mount -o remount,rw,noinit_itable / || say 'the root volume cannot be written'
  set -- $(od -A n -t u4 -j 1028 -N 4 ${rootVolumeDevice}) $(cat /sys/block/vda/size)
  # Its blocks are of 4 KiB, or 1 KiB when it is very small.
  set -- "$1" "$2" $((1024 << $(od -A n -t u4 -j 1048 -N 4 ${rootVolumeDevice})))
  if [ -x /sbin/resize2fs ] && [ $(($2 * 512 / $3)) -gt "$1" ]; then
    /sbin/resize2fs ${rootVolumeDevice} > /run/virga/resize 2>&1 || say 'the root volume cannot be grown'
  fi
else
  say 'the root volume is read-only: run e2fsck ${rootVolumeDevice} by hand'
fi
`
