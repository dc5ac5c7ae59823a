#!/bin/bash
# run-in-namespaces.sh COMMAND [ARGUMENT...]
# Runs a command in network and mount namespaces of its own, as root or (through a user namespace) as anybody, so that
# nothing it does to interfaces, routes, rules or run-time files can reach the host. Kernel and end-to-end tests refuse
# to run elsewhere: see netns.ts.
. "$(dirname "$0")/../../tools/strict.sh"

if [ "${1-}" != --inside ]; then
  [ $# -gt 0 ] || { echo "usage: $0 COMMAND [ARGUMENT...]" >&2; exit 2; }
  if [ "$(id -u)" = 0 ]; then user=(); else user=(--user --map-root-user); fi
  BAUTA_TEST_OUTER_NETNS=$(readlink /proc/self/ns/net) exec unshare "${user[@]}" --mount --net -- "$0" --inside "$@"
fi
shift

[ "$(readlink /proc/self/ns/net)" != "$BAUTA_TEST_OUTER_NETNS" ] || { echo "$0: still in the caller's namespace" >&2; exit 2; }
mount --make-rprivate /
# Over the whole directories, because making /run/netns or /var/lib/cni inside them would leave them on the host.
# /run: netns, xtables.lock; /var/lib: cni.
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir -p /run/netns /run/lock /var/lib/cni
ip link set lo up
exec "$@"
