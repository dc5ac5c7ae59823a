#!/usr/bin/env bash
# capture-golden-nft.sh [NAME...]
# Regenerates test/golden/nftables/*.hex (all, or those named): what nft(8) sends to the kernel and what the kernel
# answers or announces, taken by strace in a private namespace; and *.txt, what `nft --debug=netlink` says of the rules
# in *.nft. Needs nft, strace, node.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh golden
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
    BEFORE=$2 COMMAND=$3 TRACE=$trace bash test/support/run-in-namespaces.sh bash -c '. tools/strict.sh
      [ "$BEFORE" = : ] || nft "$BEFORE"
      set -f
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
    bash test/support/run-in-namespaces.sh nft --debug=netlink -f "$out/$1.nft" | awk '/^  \[/ { if (rule != "") print "\n" rule; rule = ""; print; next } { rule = $0 }'
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
    # The trace ends in an unfinished line whenever the monitor waits.
    BEFORE=$2 COMMAND=$3 TRACE=$trace bash test/support/run-in-namespaces.sh bash -c '. tools/strict.sh
      waits() { tail -n 1 "$TRACE" | grep -q "pselect6([^=]*$"; }
      nft "$BEFORE"
      strace -f -e trace=recvmsg,pselect6 -e read=all -o "$TRACE" nft monitor >/dev/null & tracer=$!
      until waits; do sleep 0.1; done
      nft "$COMMAND"
      nft add table ip last
      until grep -q "last" "$TRACE" && waits; do sleep 0.1; done
      kill $(pgrep -P $tracer); wait $tracer || true' >&2
    node tools/annotate-nft.mjs - NEWTABLE DELTABLE NEWCHAIN DELCHAIN NEWRULE DELRULE NEWSET DELSET NEWSETELEM DELSETELEM NEWGEN NEWOBJ DELOBJ <"$trace"
  } >"$out/$1.hex" || { echo "$1: cannot be captured" >&2; exit 1; }
  rm "$trace"
}

table="add table ip t; add chain ip t c; add set ip t s { type ipv4_addr; }; add map ip t m { type ipv4_addr : verdict; }"
interval="add table ip t; add set ip t i { type ipv4_addr; flags interval; }; add element ip t i { 9.0.0.0/8 }"

golden table-add : "add table ip t { comment \"hello\"; }" batch
golden table-add-dormant : "add table inet t { flags dormant; }" batch
golden table-create : "create table ip6 t" batch
golden table-delete "add table bridge t" "delete table bridge t" batch
golden table-list "add table ip t { comment \"hello\"; }; add chain ip t c; add table inet u { flags dormant; }" "list tables" GETTABLE NEWTABLE

golden chain-add "add table ip t" "add chain ip t c { comment \"hello\"; }" batch
golden chain-add-base "add table ip t" "add chain ip t c { type nat hook postrouting priority srcnat; policy accept; }" batch
golden chain-add-drop "add table bridge t" "add chain bridge t c { type filter hook prerouting priority -300; policy drop; }" batch
golden chain-add-netdev "add table netdev t" "add chain netdev t c { type filter hook ingress device lo priority 0; }" batch
golden chain-create "add table ip t" "create chain ip t c" batch
golden chain-delete "$table" "delete chain ip t c" batch
golden chain-flush "$table" "flush chain ip t c" batch
golden chain-list "add table ip t; add chain ip t c { type nat hook postrouting priority srcnat; policy accept; comment \"hello\"; }; add chain ip t d; add rule ip t c jump d" "list chains" GETCHAIN NEWCHAIN

golden rule-add "$table" "add rule ip t c accept comment \"hello\"" batch
golden rule-add-position "$table; add rule ip t c counter" "add rule ip t c handle 4 accept" batch
golden rule-insert "$table" "insert rule ip t c accept" batch
golden rule-insert-position "$table; add rule ip t c counter" "insert rule ip t c handle 4 accept" batch
golden rule-replace "$table; add rule ip t c counter" "replace rule ip t c handle 4 accept" batch
golden rule-delete "$table; add rule ip t c counter" "delete rule ip t c handle 4" batch
golden rule-list "$table; add rule ip t c ip saddr 10.0.0.0/9 counter quota 5 mbytes comment \"hello\"; add rule ip t c ip saddr vmap @m" "list chain ip t c" GETRULE NEWRULE
golden rules-ip : "-f $out/rules-ip.nft" batch
golden rules-inet : "-f $out/rules-inet.nft" batch
golden rules-bridge : "-f $out/rules-bridge.nft" batch
text rules-ip
text rules-inet
text rules-bridge

golden sets : "-f $out/sets.nft" batch
golden set-create "add table ip t" "create set ip t s { type ipv4_addr; }" batch
golden set-delete "$table" "delete set ip t s" batch
golden set-flush "$table" "flush set ip t s" batch
golden set-list "$table; add table inet u; add map inet u m { type ipv4_addr : verdict; }; table ip v { map m { type ipv4_addr : ipv6_addr; comment \"hello\"; counter; timeout 1h; size 100; }; }" "list sets" GETSET NEWSET

golden element-add "$table" "add element ip t s { 10.1.2.3 comment \"hello\" }" batch
golden element-add-verdict "$table" "add element ip t m { 10.1.2.3 : goto c }" batch
golden element-add-timeout "add table ip t; add set ip t s { type ipv4_addr; flags timeout; }" "add element ip t s { 10.1.2.3 timeout 1h }" batch
golden element-add-any "$table" "add element ip t s { * }" batch
golden element-add-interval "$interval" "add element ip t i { 10.128.0.0/9, 10.0.0.0/9, 192.0.2.7-192.0.2.9 }" batch
golden element-add-interval-open "$interval" "add element ip t i { 255.0.0.0/8 comment \"hello\" }" batch
golden element-add-interval-concat "add table ip t; add set ip t s { type ipv4_addr . inet_service; flags interval; }" "add element ip t s { 10.0.0.0/8 . 80-90 }" batch
golden element-add-counter "table ip t { map m { type ipv4_addr : verdict; counter; }; }" "add element ip t m { 10.1.2.3 counter packets 4 bytes 5 : accept }" batch
golden element-add-object "add table ip t; add counter ip t n; add map ip t m { type ipv4_addr : counter; }" "add element ip t m { 10.1.2.3 : \"n\" }" batch
golden element-create "$table" "create element ip t s { 10.1.2.3, 10.1.2.4 }" batch
golden element-delete "$table; add element ip t s { 10.1.2.3 }" "delete element ip t s { 10.1.2.3 }" batch
golden element-delete-interval "$interval; add element ip t i { 255.0.0.0/8 }" "delete element ip t i { 9.0.0.0/8, 255.0.0.0/8 }" batch
golden element-get "$table; add element ip t m { 10.1.2.3 comment \"hello\" : goto c, 10.1.2.4 : drop }" "get element ip t m { 10.1.2.3 }" GETSETELEM NEWSETELEM
golden element-list "table ip t { map m { type ipv4_addr : ipv6_addr; elements = { 10.1.2.3 comment \"hello\" : fd00::1, 10.1.2.4 : fd00::2 }; }; }" "list map ip t m" GETSETELEM NEWSETELEM
golden generation "$table" "list ruleset" GETGEN NEWGEN

events events "$table" "add chain ip t d; add rule ip t c ip saddr 10.0.0.0/9 counter comment \"hello\"; add element ip t s { 10.1.2.3 comment \"hello\" }; delete element ip t s { 10.1.2.3 }; delete set ip t s; delete chain ip t d; delete map ip t m; add counter ip t n; add table inet u"
