#!/usr/bin/env bash
# capture-golden-conntrack.sh [NAME...]
# Regenerates test/golden/conntrack/*.hex (all, or those named): what conntrack(8) sends to the kernel and what the kernel
# answers, taken by strace in a private namespace. Needs conntrack, strace, node.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh golden
out=test/golden/conntrack
mkdir -p "$out"
wanted=" $* "
tools="$(conntrack --version | sed 's/ (.*//'), $(strace -V | sed -n "1s,.*version,strace,p"), $(uname -sr | sed "s,-.*,,")"

golden() { # name, entry to insert before, command; request type, types of replies
  [ "$wanted" = "  " ] || [[ "$wanted" == *" $1 "* ]] || return 0
  local trace
  trace=$(mktemp)
  {
    echo "# conntrack $3"
    [ "$2" = : ] || echo "# after: conntrack $2"
    echo "# $tools"
    echo
    BEFORE=$2 COMMAND=$3 TRACE=$trace bash test/support/run-in-namespaces.sh bash -c '. tools/strict.sh
      set -f
      [ "$BEFORE" = : ] || conntrack $BEFORE >&2
      strace -f -e trace=sendmsg,sendto,recvmsg,recvfrom -e write=all -e read=all -o "$TRACE" conntrack $COMMAND >/dev/null' >&2
    node tools/annotate-nft.mjs "${@:4}" <"$trace"
  } >"$out/$1.hex" || { echo "$1: cannot be captured" >&2; exit 1; }
  rm "$trace"
}

udp="-I -s 10.22.0.5 -d 192.0.2.7 -p udp --sport 5353 --dport 53 -t 300"
udp6="-I -s fd00::5 -d 2001:db8::7 -p udp --sport 5353 --dport 53 -t 300"
snat="$udp -n 192.0.2.1 -m 7"
tcp="-I -s 10.22.0.5 -d 192.0.2.7 -p tcp --sport 40000 --dport 443 --state ESTABLISHED -t 300 -w 9"
icmp="-I -s 10.22.0.5 -d 192.0.2.7 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 30"
icmp6="-I -s fd00::5 -d 2001:db8::7 -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 77 -t 30"

golden list-udp "$udp" "-L" CT_GET CT_NEW
golden list-udp6 "$udp6" "-L -f ipv6" CT_GET CT_NEW
golden list-snat "$snat" "-L" CT_GET CT_NEW
golden list-tcp-zone "$tcp" "-L" CT_GET CT_NEW
golden list-icmp "$icmp" "-L" CT_GET CT_NEW
golden list-icmp6 "$icmp6" "-L -f ipv6" CT_GET CT_NEW
golden delete-udp "$udp" "-D -s 10.22.0.5" CT_DELETE CT_NEW
golden delete-udp6 "$udp6" "-D -f ipv6 -s fd00::5" CT_DELETE CT_NEW
golden delete-tcp-zone "$tcp" "-D -s 10.22.0.5" CT_DELETE CT_NEW
golden delete-icmp "$icmp" "-D -s 10.22.0.5" CT_DELETE CT_NEW
