#!/usr/bin/env bash
# Gets what the commands of package.json need: Debian packages (installed when root, named when not) and npm packages.
#   tools/setup.sh build|demo|kernels|test|runtimes|bench
set -euo pipefail
cd "$(dirname "$0")/.."

# command-or-file:package
build=(gcc:gcc musl-gcc:musl-tools make:make xz:xz-utils /usr/include/string.h:libc6-dev /usr/include/linux/netlink.h:linux-libc-dev)
demo=("${build[@]}" ip:iproute2 nft:nftables unshare:util-linux ping:iputils-ping)
kernels=("${demo[@]}" qemu-system-x86_64:qemu-system-x86 modprobe:kmod sysctl:procps iptables:iptables conntrack:conntrack
  /etc/protocols:netbase)
test=("${kernels[@]}" strace:strace)
runtimes=("${demo[@]}" sysctl:procps iptables:iptables)
bench=("${demo[@]}" iptables:iptables) # upstream's DEL always runs iptables

missing=()
declare -n wanted=${1:?build, demo, kernels, test, runtimes or bench}
PATH=$PATH:/usr/sbin:/sbin
for entry in "${wanted[@]}"; do
  what=${entry%%:*}
  case $what in
    /*) [ -e "$what" ] || missing+=("${entry##*:}") ;;
    *) command -v "$what" >/dev/null || missing+=("${entry##*:}") ;;
  esac
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "bauta: missing Debian packages; as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "bauta: installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi

# npm writes node_modules/.package-lock.json last.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --no-audit --no-fund >&2
  touch node_modules/.package-lock.json
fi
