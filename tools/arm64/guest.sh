#!/bin/busybox sh
# The first process of the guest: attaches containers with bauta and sends packets. Each step is a line, "ok: …" or "not ok: …".
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock
ip link set lo up

# step NAME COMMAND…: the command must succeed.
step() {
  name=$1
  shift
  if "$@" >/tmp/said 2>&1; then echo "ok: $name"; else
    echo "not ok: $name"
    sed 's/^/    /' /tmp/said
  fi
}
fails() { ! "$@"; }
finds() { # finds PATTERN COMMAND…: what the command prints matches; how it ends does not matter
  pattern=$1
  shift
  "$@" >/tmp/printed 2>&1
  grep -qE -- "$pattern" /tmp/printed || { cat /tmp/printed; return 1; }
}
has() { # has TEXT COMMAND…: the command succeeds, and prints the text
  text=$1
  shift
  "$@" >/tmp/printed 2>&1 && grep -qF -- "$text" /tmp/printed || { cat /tmp/printed; return 1; }
}
within() { # within NETNS COMMAND…
  netns=$1
  shift
  nsenter --net="/run/netns/$netns" "$@"
}
# Emulated, an address takes its time.
reaches() {
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    within "$1" ping -c 1 -W 2 "$2" && return 0
    sleep 1
  done
  return 1
}
list() { # list NAME TYPE IPV4 IPV6 KEYS [routes]: a network, with default routes or without
  routes=
  if [ -n "${6:-}" ]; then routes=', "routes": [ { "dst": "0.0.0.0/0" }, { "dst": "::/0" } ]'; fi
  cat >"/etc/cni/net.d/$1.conflist" <<END
{ "cniVersion": "1.1.0", "name": "$1", "plugins": [ { "type": "$2", $5
  "ipam": { "type": "host-local", "ranges": [ [ { "subnet": "$3" } ], [ { "subnet": "$4" } ] ]$routes } } ] }
END
}
attach() { # attach NETWORK CONTAINER
  touch "/run/netns/$2"
  unshare --net="/run/netns/$2" true && bauta cni add "$1" --netns "/run/netns/$2" --container-id "$2"
}

echo "guest: $(uname -rm)"
list outside ptp 10.99.0.0/24 fd99::/64 ''
list masqueraded bridge 10.88.0.0/16 fd88::/64 '"bridge": "cni0", "isGateway": true, "ipMasq": true,' routes
list plain bridge 10.77.0.0/16 fd77::/64 '"bridge": "cni1", "isGateway": true,' routes
list by-ptp ptp 10.66.0.0/16 fd66::/64 '"ipMasq": true,' routes

step "bauta version" has "bauta " bauta version
for name in outside masqueraded plain by-ptp; do step "STATUS of $name" bauta cni status $name; done
# The container outside has no route to any other: only what comes from the node's own address is answered.
step "ADD by ptp of a container outside" attach outside outside
step "ADD by bridge with ipMasq, in both families" attach masqueraded web
step "ADD by bridge without ipMasq" attach plain plain
step "ADD by ptp with ipMasq, in both families" attach by-ptp db
step "CHECK of it" bauta cni check masqueraded --netns /run/netns/web --container-id web
step "the list has its addresses" has "outside-10.88.0.0/16" bauta list
for address in 10.99.0.2 fd99::2; do
  step "masqueraded by bridge, a container reaches $address outside" reaches web "$address"
  step "masqueraded by ptp, a container reaches $address outside" reaches db "$address"
done
step "without masquerade no answer comes" fails within plain ping -c 2 -W 2 10.99.0.2
step "without masquerade no answer comes, IPv6" fails within plain ping -c 2 -W 2 fd99::2
step "the counters have seen its flows" finds '"packets":[1-9]' bauta list --network masqueraded --json
step "bauta explain foretells what the kernel then does" \
  has "The kernel did as foretold" bauta explain --from 10.88.0.2 --to 10.99.0.2 --proto icmp --live --netns /run/netns/web
step "bauta doctor looks at all" finds '^[0-9]+ checks: [^,]*, [^,]*, [0-9]+ notes?$' bauta doctor
step "bauta install" has "installed bauta" bauta install --bin-dir /tmp/bin
step "what is installed runs" has "1.1.0" env CNI_COMMAND=VERSION /tmp/bin/bridge
# The daemon waits by epoll, and its end is a signal that it reads.
cp "$(command -v bauta)" /tmp/dhcp
ends_by_signal() {
  /tmp/dhcp daemon -socketpath /run/dhcp.sock &
  daemon=$!
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do [ -S /run/dhcp.sock ] && break; sleep 1; done
  kill -TERM $daemon && wait $daemon
}
step "the daemon of dhcp ends by a signal" ends_by_signal
step "DEL" bauta cni del masqueraded --netns /run/netns/web --container-id web
step "DEL of the others" sh -c 'for pair in outside/outside plain/plain by-ptp/db; do
  bauta cni del "${pair%/*}" --container-id "${pair#*/}" --netns "/run/netns/${pair#*/}" || exit 1
done'
step "nothing is left in the list" finds '^\[\]$' bauta list --json
echo "guest: end"
sync
poweroff -f
