/**
 * The agent's guest side: a script whose standard input and output are the port. See frame.ts for what is said, and
 * why the two directions differ.
 *
 *   port ─▶ agent ─┬─ in ──▶ FIFO ─▶ feed ─▶ command ─┬─ stdout ─▶ pump ─┐
 *                  │                  └─ ack ─────────│── stderr ─▶ pump ─┼─▶ port
 *                  └─ end: the FIFO's keeper goes     └─ exit ────────────┘
 *
 * Invariants: a line is one write(2), so those of several writers do not mix; the shell reads byte by byte, so a body
 * is still whole behind its header; the host keeps less under way than a FIFO holds, so the agent never waits for a
 * command. When the host goes, everything that it had started goes, too, and the next host finds the port fresh.
 */

import { outputBytesMax } from './frame.ts'

/** The text of `agent`. VIRGA_RUN is where it keeps what is running. */
export const agentScript = `#!/bin/busybox sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin HOME=/root LC_ALL=C
run=\${VIRGA_RUN:-/run/virga}
sessions=$run/sessions
rm -rf "$sessions"
mkdir -p "$sessions"
exec 3>&1

say() { echo "$1 $2 $3" >&3; }
take() { dd bs="$1" count=1 iflag=fullblock 2>/dev/null; } # bytes
pump() { # kind id
  while body=$(dd bs=${outputBytesMax} count=1 2>/dev/null | base64 -w 0) && [ -n "$body" ]; do say "$1" "$2" "$body"; done
}
feed() { # id
  while dd bs=4096 count=1 of="$sessions/$1/piece" 2>/dev/null && [ -s "$sessions/$1/piece" ]; do
    cat "$sessions/$1/piece" || break
    say ack "$1" $(stat -c %s "$sessions/$1/piece")
  done
}
command() { # id
  setsid sh -c 'echo $$ > "$0/group"; exec sh "$0/command"' "$sessions/$1" 3>&- 4>&- 6<&-
  echo $? > "$sessions/$1/status"
  kill $(cat "$sessions/$1/keeper") 2>/dev/null
}
session() { # id
  { feed "$1" <&6 2>/dev/null | command "$1" 2>&1 >&4 | pump err "$1"; } 4>&1 | pump out "$1"
  read -r status < "$sessions/$1/status"
  rm -rf "$sessions/$1"
  say exit "$1" "$status"
}
begin() { # id bytes
  if ! mkdir "$sessions/$1" 2>/dev/null; then
    take "$2" > /dev/null
    return
  fi
  take "$2" > "$sessions/$1/command"
  mkfifo "$sessions/$1/in"
  # Both ends are open before anyone else runs: opening one waits for the other, and end may come at once.
  exec 5<> "$sessions/$1/in" 6< "$sessions/$1/in"
  sleep 2147483647 < /dev/null 3>&- 6<&- &
  echo $! > "$sessions/$1/keeper"
  # Closed by exec: around a function, the shell would keep a copy to restore.
  (exec 5>&-; session "$1") < /dev/null > /dev/null &
  exec 5>&- 6<&-
}

read -r token < /proc/sys/kernel/random/uuid
greet() { say hello 0 "1 $token"; }
tell() { say ready 0 "$(cat "$run/ready")"; }

# Whoever was here before may have left half a line.
echo >&3
greet
(until [ -e "$run/ready" ]; do sleep 1; done; tell) < /dev/null > /dev/null &
while read -r kind id bytes; do
  case $id$bytes in ''|*[!0-9]*) break ;; esac
  case $kind in
    hello) greet; [ -e "$run/ready" ] && tell ;;
    exec) begin "$id" "$bytes" ;;
    in)
      taken=
      # Open for both, so that it waits for nobody. A session that has ended has none, but its bytes must be passed over.
      [ -p "$sessions/$id/in" ] && { taken=1; take "$bytes"; } 1<> "$sessions/$id/in"
      [ -n "$taken" ] || take "$bytes" > /dev/null
      ;;
    end) [ -e "$sessions/$id/keeper" ] && kill $(cat "$sessions/$id/keeper") ;;
    kill)
      signal=$(take "$bytes")
      [ -e "$sessions/$id/group" ] && kill "-$signal" "-$(cat "$sessions/$id/group")"
      ;;
    *) break ;;
  esac 2>/dev/null
done
for group in "$sessions"/*/group; do
  [ -e "$group" ] && kill -KILL "-$(cat "$group")"
done
kill -KILL 0
`
