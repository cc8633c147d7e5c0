/**
 * The network of a machine: DHCP on every device (busybox's udhcpc), and what its answers mean here.
 * IPv6 is the kernel's: a link-local address, and what routers announce.
 * @spec dhcp "Client-Server Protocol"
 */

import { scriptFolder } from './script-folder.ts'

/** `network DEVICE`: asks for a lease and keeps renewing it; does not wait for the first. */
export const networkScript = `#!/bin/busybox sh
ip link set "$1" up
read -r name < /proc/sys/kernel/hostname
udhcpc -b -S -t 5 -T 1 -A 5 -i "$1" -p "/run/udhcpc.$1.pid" -x "hostname:$name" -O staticroutes -O mtu \\
  -s /${scriptFolder}/lease > /dev/null 2>&1 < /dev/null &
`

/**
 * `lease EVENT`, called by udhcpc with the lease in its environment. Classless routes stand in place of the router;
 * a router outside the network is on the link. @spec dhcp "Client-Server Protocol"
 */
export const leaseScript = `#!/bin/busybox sh
add_route() { # destination gateway
  case $2 in
    0.0.0.0) ip route replace "$1" dev "$interface" ;;
    *)
      ip route get "$2" oif "$interface" > /dev/null 2>&1 && ip route replace "$1" via "$2" dev "$interface" ||
        { ip route replace "$2" dev "$interface" && ip route replace "$1" via "$2" dev "$interface"; }
      ;;
  esac
}
case $1 in
  deconfig)
    ip -4 addr flush dev "$interface"
    ;;
  bound|renew)
    if ! ip -4 -o addr show dev "$interface" | grep -q " $ip/$mask "; then
      ip -4 addr flush dev "$interface"
      ip addr add "$ip/$mask" dev "$interface" broadcast +
    fi
    [ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
    if [ -n "$staticroutes" ]; then
      set -- $staticroutes
      while [ $# -ge 2 ]; do add_route "$1" "$2"; shift 2; done
    else
      for gateway in $router; do add_route default "$gateway"; break; done
    fi
    if [ -n "$dns" ]; then
      {
        [ -n "$domain" ] && echo "search $domain"
        for server in $dns; do echo "nameserver $server"; done
      } > "/run/resolv.$interface"
      cat /run/resolv.* > /etc/resolv.conf
    fi
    # The first lease of any device: now it can be asked what this machine is to be.
    mkdir /run/virga/instance 2>/dev/null && /${scriptFolder}/instance > /dev/null 2>&1 < /dev/null &
    ;;
esac
exit 0
`
