#!/usr/bin/env bash
# Prints the directory of containernetworking/plugins' own executables, as Debian packages them, for the tests and the
# benchmark that run beside them. They are unpacked under build/peer: nothing is installed. BAUTA_PEER_DIR names another.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -n "${BAUTA_PEER_DIR:-}" ]; then
  echo "$BAUTA_PEER_DIR"
  exit
fi

peer=$PWD/build/peer
suite=forky # the first Debian release with 1.9.1
if [ ! -x "$peer/usr/lib/cni/bridge" ]; then
  mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -1)
  [ -n "$mirror" ] || mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list 2>/dev/null | head -1)
  [ -n "$mirror" ] || mirror=http://deb.debian.org/debian
  mkdir -p "$peer"/{lists/partial,archives/partial}
  : >"$peer/status"
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$keyring] ${mirror%/} $suite main" >"$peer/sources.list"
  options=(-oDir::Etc::sourcelist="$peer/sources.list" -oDir::Etc::sourceparts=/dev/null -oDir::State::Lists="$peer/lists"
    -oDir::State::status="$peer/status" -oDir::Cache="$peer" -oDir::Cache::archives="$peer/archives")
  [ "$(id -u)" != 0 ] || options+=(-oAPT::Sandbox::User=root)
  apt-get "${options[@]}" -qq update >&2
  (cd "$peer" && apt-get "${options[@]}" -qq download containernetworking-plugins >&2 && dpkg-deb -x containernetworking-plugins_*.deb .)
fi
echo "$peer/usr/lib/cni"
