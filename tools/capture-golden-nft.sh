#!/usr/bin/env bash
# capture-golden-nft.sh [NAME...]
# Regenerates test/golden/nftables/*.hex (all, or those named): what nft(8) sends to the kernel and what the kernel
# answers or announces, taken by strace in a private namespace; and *.txt, what `nft --debug=netlink` says of the rules
# in *.nft. Needs nft, strace, node.
set -euo pipefail
cd "$(dirname "$0")/.."
out=test/golden/nftables
wanted=" $* "
tools="$(nft --version | sed 's/ (.*//'), $(strace -V | sed -n "1s,.*version,strace,p"), $(uname -sr | sed "s,-.*,,")"

is_wanted() { [ "$wanted" = "  " ] || [[ "$wanted" == *" $1 "* ]]; }

golden() { # name, commands before, commands, request: batch, a type or -; types of replies
  is_wanted "$1" || return 0
  local trace
  trace=$(mktemp)
  {
    echo "# nft $3" | tr '\n' ' ' | sed 's/ *$/\n/'
    [ "$2" = : ] || echo "# after: nft $2"
    echo "# $tools"
    echo
    BEFORE=$2 COMMAND=$3 TRACE=$trace bash test/support/run-in-namespaces.sh bash -c '
      [ "$BEFORE" = : ] || nft "$BEFORE"
      strace -f -e trace=sendmsg,sendto,recvmsg,recvfrom -e write=all -e read=all -o "$TRACE" nft $COMMAND >/dev/null' >&2
    node tools/annotate-nft.mjs "${@:4}" <"$trace"
  } >"$out/$1.hex" || { echo "$1: cannot be captured" >&2; exit 1; }
  rm "$trace"
}

text() { # name of a file of rules
  is_wanted "$1" || return 0
  {
    echo "# nft --debug=netlink -f $1.nft"
    echo "# $tools"
    bash test/support/run-in-namespaces.sh nft --debug=netlink -f "$out/$1.nft" | awk '/^[a-z0-9]+ [a-z0-9]+ [a-z0-9]+ ?$/ { rule = 1; print ""; } /^$/ { rule = 0 } rule'
  } >"$out/$1.txt"
}

events() { # name, commands before, commands; what `nft monitor` is told meanwhile
  is_wanted "$1" || return 0
  local trace
  trace=$(mktemp)
  {
    echo "# nft monitor"
    echo "# while: nft $3"
    [ "$2" = : ] || echo "# after: nft $2"
    echo "# $tools"
    echo
    BEFORE=$2 COMMAND=$3 TRACE=$trace bash test/support/run-in-namespaces.sh bash -c '
      [ "$BEFORE" = : ] || nft "$BEFORE"
      strace -f -e trace=recvmsg -e read=all -o "$TRACE" nft monitor >"$TRACE.out" & tracer=$!
      until grep -q "recvmsg(.*unfinished" "$TRACE" 2>/dev/null || [ "$(tail -c 11 "$TRACE" 2>/dev/null)" = "recvmsg(3, " ]; do sleep 0.05; done
      IFS=";"; for one in $COMMAND; do nft "$one"; done
      until grep -q "# new generation $(( $(echo "$COMMAND" | tr -cd ";" | wc -c) + ${FIRST:-2} ))" "$TRACE.out"; do sleep 0.05; done
      kill -INT $(pgrep -P $tracer); wait $tracer || true' >&2
    node tools/annotate-nft.mjs - NEWTABLE DELTABLE NEWCHAIN DELCHAIN NEWRULE DELRULE NEWSET DELSET NEWSETELEM DELSETELEM NEWGEN NEWOBJ DELOBJ <"$trace"
  } >"$out/$1.hex" || { echo "$1: cannot be captured" >&2; exit 1; }
  rm "$trace" "$trace.out"
}
