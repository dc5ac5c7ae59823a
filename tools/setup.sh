#!/usr/bin/env bash
# . tools/setup.sh KIND: gets what a command of package.json needs: Debian packages (installed when root, named when not) and
# npm packages. PATH leads to the programs that programs.txt declares for this kind afterwards, and to no others.
. tools/strict.sh
. tools/programs.sh

# A script that another script has started finds the machine's programs too, not only those of the other script.
export BAUTA_MACHINE_PATH=${BAUTA_MACHINE_PATH:-$PATH:/usr/sbin:/sbin}
PATH=$BAUTA_MACHINE_PATH
directory=$PWD/build/path/$1
missing=$(make_path tools/programs.txt "$1" "$directory")
if [ -n "$missing" ]; then
  missing=${missing//$'\n'/ }
  if [ "$(id -u)" != 0 ]; then
    echo "bauta: missing Debian packages; as root: apt-get install $missing" >&2
    exit 1
  fi
  echo "bauta: installing $missing" >&2
  apt-get -qq update
  # shellcheck disable=SC2086 # the names of packages have no spaces
  # The tests want programs, not services: systemctl starts none, a DHCP server say.
  SYSTEMD_OFFLINE=1 DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
  missing=$(make_path tools/programs.txt "$1" "$directory")
  if [ -n "$missing" ]; then
    echo "bauta: tools/programs.txt says what these packages bring, but they don't: ${missing//$'\n'/ }" >&2
    exit 1
  fi
fi

# npm writes node_modules/.package-lock.json last.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --no-audit --no-fund >&2
  touch node_modules/.package-lock.json
fi
export PATH=$PWD/node_modules/.bin:$directory
