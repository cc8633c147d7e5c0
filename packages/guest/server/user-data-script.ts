/**
 * User-data: what an owner wants done when the machine starts for the first time. A script that begins with `#!` is
 * run; of a `#cloud-config` the keys below are heeded, and all others are named on the console in one line.
 * Order: host name, users, keys, files, commands, as cloud-init has it. What is printed goes to /var/log/user-data.log.
 */

import { scriptFolder } from './script-folder.ts'

/** Paths that are heeded, as an extended regular expression; `N` is the number of an item. */
const heeded = [
  'hostname|fqdn',
  'ssh_authorized_keys(\\.N)?',
  'users(\\.N(\\.(name|gecos|shell|ssh_authorized_keys(\\.N)?))?)?',
  'write_files(\\.N\\.(path|content|encoding|owner|permissions|append))?',
  'runcmd(\\.N(\\.N)?)?',
]
  .join('|')
  .replaceAll('N', '[0-9]+')

/** `user-data FILE`. */
export const userDataScript = `#!/bin/busybox sh
lib=$ROOT/${scriptFolder}
log=$ROOT/var/log/user-data.log
say() { echo "virga: user-data: $*" >> "\${CONSOLE:-/dev/console}"; }
mkdir -p "$ROOT/var/log"
run() { # what program
  (cd "\${ROOT:-/}" && exec "$2") >> "$log" 2>&1 < /dev/null
  status=$?
  [ $status -eq 0 ] || say "$1 ended with status $status, see /var/log/user-data.log"
}
read -r first < "$1"
case $first in
  '#!'*)
    chmod 700 "$1"
    run 'the script' "$1"
    ;;
  '#cloud-config'*)
    . "$lib/cloud-config"
    ;;
  *)
    say "it begins neither with #! nor with #cloud-config, so nothing of it was done"
    ;;
esac
exit 0
`

/** `cloud-config`, part of `user-data`. Values are files of \$values; see yaml-script.ts. */
export const cloudConfigScript = `
values=$ROOT/var/lib/virga/values
rm -rf "$values"
mkdir -p "$values"
if ! wrong=$(awk -v folder="$values" -f "$lib/yaml.awk" "$1" 2>&1); then
  say "$wrong, so nothing of it was done"
  exit 0
fi
get() { [ -e "$values/$1" ] && cat "$values/$1"; }
has() { grep -qE "^$1(\\.|\\$)" "$values/paths"; }

unknown=$(grep -vxE '${heeded}' "$values/paths" | sed 's/\\.[0-9]*\\(\\.\\|$\\)/./g; s/\\.$//' | sort -u | tr '\\n' ' ')
[ -n "$unknown" ] && say "not heeded: \${unknown% }"

name=$(get fqdn || get hostname)
[ -n "$name" ] && "$lib/set-hostname" "$name"

add_user() { # name shell full-name
  grep -q "^$1:" "$ROOT/etc/passwd" && return
  number=$(awk -F: '$3 >= 1000 && $3 < 60000 && $3 >= n { n = $3 + 1 } END { print n ? n : 1000 }' "$ROOT/etc/passwd")
  echo "$1:x:$number:$number:$3:/home/$1:$2" >> "$ROOT/etc/passwd"
  echo "$1:x:$number:" >> "$ROOT/etc/group"
  mkdir -p "$ROOT/home/$1"
  [ -n "$ROOT" ] || chown "$number:$number" "/home/$1"
}
keys_of() { # path
  get "$1"
  item=0
  while [ -e "$values/$1.$item" ]; do get "$1.$item"; echo; item=$((item + 1)); done
}
user=0
while has "users\\.$user"; do
  name=$(get "users.$user.name" || get "users.$user")
  case $name in
    default|'') ;;
    *[!a-z0-9_-]*|[!a-z_]*) say "'$name' is no name of a user" ;;
    *)
      shell=$(get "users.$user.shell")
      add_user "$name" "\${shell:-/bin/sh}" "$(get "users.$user.gecos" | tr -d ':\\n')"
      keys_of "users.$user.ssh_authorized_keys" | "$lib/add-keys" "$name"
      ;;
  esac
  user=$((user + 1))
done
keys_of ssh_authorized_keys | "$lib/add-keys" root

file=0
while has "write_files\\.$file"; do
  path=$(get "write_files.$file.path")
  permissions=$(get "write_files.$file.permissions")
  owner=$(get "write_files.$file.owner")
  case $path in
    /*)
      mkdir -p "$ROOT\${path%/*}"
      [ "$(get "write_files.$file.append")" = true ] || : > "$ROOT$path"
      case $(get "write_files.$file.encoding") in
        ''|text/plain) get "write_files.$file.content" >> "$ROOT$path" ;;
        b64|base64) get "write_files.$file.content" | base64 -d >> "$ROOT$path" ;;
        *) say "the encoding of $path is not understood, it is empty" ;;
      esac
      chmod "\${permissions:-0644}" "$ROOT$path"
      [ -n "$owner" ] && chown "$owner" "$ROOT$path"
      ;;
    *) say "'$path' is no path of a file" ;;
  esac
  file=$((file + 1))
done

if has runcmd; then
  command=0
  program=$ROOT/var/lib/virga/runcmd
  echo '#!/bin/sh' > "$program"
  while has "runcmd\\.$command"; do
    if [ -e "$values/runcmd.$command" ]; then get "runcmd.$command" >> "$program"
    else
      word=0
      while [ -e "$values/runcmd.$command.$word" ]; do
        printf "'%s' " "$(get "runcmd.$command.$word" | sed "s/'/'\\\\\\\\''/g")" >> "$program"
        word=$((word + 1))
      done
    fi
    echo >> "$program"
    command=$((command + 1))
  done
  chmod 700 "$program"
  run runcmd "$program"
fi
rm -rf "$values"
`
