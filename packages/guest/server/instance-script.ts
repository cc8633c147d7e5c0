/**
 * What a machine does about itself when it has a network: asks the metadata service who it is, lets the owner's keys
 * in by SSH, and does what its user-data say. Once for an instance: its number is remembered beside the files that it
 * changed, so that a machine which starts again, from the same volume, does none of it again.
 *
 * The service is Hetzner's: `http://169.254.169.254/hetzner/v1/`, with `metadata/instance-id`, `metadata/hostname`,
 * `metadata/public-keys` and `userdata`. Where nobody answers, the machine goes on as it is.
 */

import { scriptFolder } from './script-folder.ts'

/** Bytes of user-data that are taken; Hetzner's own limit is half of it. */
const userDataBytesMax = 65_536

/** Seconds between questions, and how many are asked while nobody answers. */
const retry = { seconds: 1, count: 5 }

/** `instance`: run once a start, when the first lease is there. */
export const instanceScript = `#!/bin/busybox sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin HOME=/root
service=\${SERVICE:-http://169.254.169.254/hetzner/v1}
state=$ROOT/var/lib/virga
say() { echo "virga: $*" >> "\${CONSOLE:-/dev/console}"; }
fetch() { wget -q -T 3 -O - "$service/$1" 2>/dev/null | head -c ${userDataBytesMax}; }

mkdir -p "$state"
tries=0
until id=$(fetch metadata/instance-id | head -n 1 | tr -cd 'A-Za-z0-9._-' | head -c 64) && [ -n "$id" ]; do
  tries=$((tries + 1))
  [ $tries -ge ${retry.count} ] && break
  sleep ${retry.seconds}
done
known=
[ -e "$state/instance-id" ] && read -r known < "$state/instance-id"
if [ -n "$id" ] && [ "$id" != "$known" ]; then
  name=$(fetch metadata/hostname | head -n 1)
  [ -n "$name" ] && "$ROOT/${scriptFolder}/set-hostname" "$name"
  fetch metadata/public-keys | "$ROOT/${scriptFolder}/add-keys" root
  fetch userdata > "$state/user-data"
  chmod 600 "$state/user-data"
  isNew=1
fi
"$ROOT/${scriptFolder}/serve-ssh"
if [ -n "$isNew" ]; then
  # First, so that user-data which restart the machine are not done for ever.
  echo "$id" > "$state/instance-id"
  sync
  [ -s "$state/user-data" ] && "$ROOT/${scriptFolder}/user-data" "$state/user-data"
fi
"$ROOT/${scriptFolder}/tell-ready"
`

/** `set-hostname NAME`: now, and for the starts to come. A name that cannot be one is refused. */
export const setHostnameScript = `#!/bin/busybox sh
case $1 in ''|-*|.*|*[!A-Za-z0-9.-]*) echo "virga: '$1' is no host name" >> "\${CONSOLE:-/dev/console}"; exit 1 ;; esac
short=\${1%%.*}
names=$1
[ "$short" = "$1" ] || names="$1 $short"
echo "$short" > "$ROOT/etc/hostname"
printf '127.0.0.1 localhost\\n127.0.1.1 %s\\n::1 localhost\\n' "$names" > "$ROOT/etc/hosts"
[ -n "$ROOT" ] || echo "$short" > /proc/sys/kernel/hostname
`

/**
 * `add-keys USER`: public keys from standard input, in whatever they are wrapped (a JSON list, a YAML list, lines),
 * into the user's authorized_keys, each once.
 */
export const addKeysScript = `#!/bin/busybox sh
home=$ROOT$(awk -F: -v user="$1" '$1 == user { print $6 }' "$ROOT/etc/passwd")
[ "$home" != "$ROOT" ] || exit 1
umask 077
mkdir -p "$home/.ssh"
file=$home/.ssh/authorized_keys
touch "$file"
tr '"' '\\n' | sed 's/^ *- *//' | grep -E '^(ssh-[a-z0-9]+|ecdsa-sha2-[a-z0-9]+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]+' |
  while read -r key; do grep -qxF -e "$key" "$file" || echo "$key" >> "$file"; done
[ -n "$ROOT" ] || chown -R "$1" "$home/.ssh"
`

/** `serve-ssh`: dropbear, when the image has it, with keys only and a host key of its own that stays. */
export const serveSshScript = `#!/bin/busybox sh
[ -x /usr/sbin/dropbear ] || exit 0
key=/etc/dropbear/dropbear_ed25519_host_key
mkdir -p /etc/dropbear
[ -s $key ] || { /usr/bin/dropbearkey -t ed25519 -f $key.part > /dev/null 2>&1 && mv $key.part $key && sync; }
/usr/sbin/dropbear -s -E -r $key -P /run/dropbear.pid 2> /var/log/dropbear.log < /dev/null
`
