#!/usr/bin/env bash
# capture-golden.sh [NAME...]
# Regenerates test/golden/rtnetlink/*.hex (all, or those named): what ip(8), bridge(8) and tc(8) send to the kernel and what it
# answers, taken by strace in a private namespace. strace's own reading of a message stands above its bytes, so that the
# files can be checked by eye; sequence numbers and port ids of requests are set to 0. Needs ip, bridge, tc, strace.
# bridge-vlan-show-filtering and link-show-vlan are not made here but were taken from a kernel that has VLANs (8021q,
# CONFIG_BRIDGE_VLAN_FILTERING), in a virtual machine and with the same strace.
. "$(dirname "$0")/strict.sh"
cd "$(dirname "$0")/.."
. tools/setup.sh golden
out=test/golden/rtnetlink
mkdir -p "$out"
wanted=" $* "
tools="$(ip -V | sed 's/^ip utility, //; s/,.*//'), $(strace -V | sed -n "1s,.*version,strace,p"), $(uname -sr | sed "s,-.*,,")"

# strace's output -> sections of the messages whose type is wanted
sections() { # request type, reply type or -
  awk -v request="$1" -v reply="$2" '
    function flush_message() {
      if (kind != "" && hex != "") {
        printf "\n%s\n%s%s", kind, decoded, hex
        found++
      }
      kind = ""; hex = ""; rows = 0
    }
    /^[0-9]+ +(sendmsg|sendto|recvmsg)\(/ {
      flush_message()
      sent = $2 !~ /^recvmsg/
      if (!sent && /MSG_PEEK/) next
      type = sent ? request : reply
      if (type == "-" || !index($0, "nlmsg_type=" type ",")) next
      if (/nlmsg_len=32, nlmsg_type=RTM_NEWLINK, nlmsg_flags=NLM_F_REQUEST\|NLM_F_ACK, nlmsg_seq=0/) next # ip probes the kernel
      kind = sent ? "> request" : "< reply"
      text = $0
      sub(/^[^{]*\{msg_name=.*msg_iov=\[\{iov_base=/, "", text) || sub(/^[0-9]+ +sendto\([0-9]+, /, "", text)
      sub(/, iov_len=[0-9]+\}\], msg_iovlen.*$/, "", text) || sub(/, [0-9]+, 0, NULL, 0\) = [0-9]+$/, "", text)
      if (sent) gsub(/nlmsg_seq=[0-9]+/, "nlmsg_seq=0", text)
      gsub(/, \[+\{nla_len/, "\n&", text)
      gsub(/\n, /, "\n", text)
      n = split(text, line, "\n")
      decoded = ""
      for (i = 1; i <= n; i++) decoded = decoded "# " line[i] "\n"
      next
    }
    /^[0-9]+ / { flush_message(); next }
    /^ \| / {
      row = substr($0, 11, 48)
      gsub(/  +/, " ", row); sub(/ +$/, "", row); sub(/^ /, "", row)
      # the second half of the first row is nlmsg_seq and nlmsg_pid
      if (rows++ == 0 && kind ~ /^>/) row = substr(row, 1, 24) "00 00 00 00 00 00 00 00"
      hex = hex row "\n"
    }
    END { flush_message(); if (!found) exit 1 }'
}

golden() { # name, set-up, command, type of the request, type of the reply or -
  [ "$wanted" = "  " ] || [[ "$wanted" == *" $1 "* ]] || return 0
  local trace
  trace=$(mktemp)
  # The command may fail where the kernel lacks a feature: the request is what counts.
  bash test/support/run-in-namespaces.sh bash -c \
    "{ $2; } >/dev/null; strace -f -s 256 -e trace=sendmsg,sendto,recvmsg -e write=all -e read=all -o $trace $3 >/dev/null 2>&1 || true"
  {
    echo "# $3"
    [ "$2" = : ] || echo "# after: $2"
    echo "# $tools"
    sections "$4" "${5--}" <"$trace"
  } >"$out/$1.hex" || { echo "$1: $3 did not send $4" >&2; exit 1; }
  rm "$trace"
}

veth="ip link add veth0 address 02:00:00:00:00:01 type veth peer name veth1 address 02:00:00:00:00:02" # 2 and 3: the peer is first
port="$veth; ip link add br0 type bridge; ip link set veth0 master br0"
up="$veth; ip link set veth0 up; ip link set veth1 up; ip address add 10.1.2.3/24 dev veth0; ip address add fd00:1::3/64 dev veth0 nodad"

golden link-add-bridge : "ip link add br0 type bridge" RTM_NEWLINK
golden link-add-bridge-options : "ip link add br0 mtu 1400 type bridge vlan_filtering 1 vlan_default_pvid 0 ageing_time 100 stp_state 1 mcast_snooping 0" RTM_NEWLINK
golden link-add-veth "ip netns add c1" "ip link add vethabc mtu 1400 type veth peer name eth0 mtu 1400 address 0a:58:0a:16:00:05 netns c1" RTM_NEWLINK
golden link-add-veth-up-master "ip link add br0 type bridge" "ip link add vethabc index 7 address 02:00:00:00:00:07 master br0 up type veth peer name eth0" RTM_NEWLINK
golden link-add-vlan "$veth" "ip link add link veth0 name veth0.5 type vlan protocol 802.1ad id 5" RTM_NEWLINK
golden link-add-vrf : "ip link add red up type vrf table 1000" RTM_NEWLINK
golden link-add-dummy : "ip link add d0 txqueuelen 500 type dummy" RTM_NEWLINK
golden link-add-macvlan "$veth; ip netns add c1" "ip link add link veth0 name eth0 address 02:00:00:00:00:09 mtu 1400 netns c1 type macvlan mode private bcqueuelen 500" RTM_NEWLINK
golden link-add-ipvlan "$veth; ip netns add c1" "ip link add link veth0 name eth0 netns c1 type ipvlan mode l3s private" RTM_NEWLINK
golden link-set-up "$veth" "ip link set veth0 up" RTM_NEWLINK
golden link-set-down-promisc "$veth" "ip link set veth0 down promisc on allmulticast off" RTM_NEWLINK
golden link-set-attributes "$veth; ip link add br0 type bridge" "ip link set veth0 address 02:00:00:00:00:09 mtu 1280 txqueuelen 77 master br0" RTM_NEWLINK
golden link-set-nomaster "$port" "ip link set veth0 nomaster" RTM_NEWLINK
golden link-set-name "$veth" "ip link set veth0 name eth0" RTM_NEWLINK
golden link-set-netns "$veth; ip netns add c1" "ip link set veth1 netns c1" RTM_NEWLINK
golden link-move "$veth; ip netns add c1" "ip link set veth1 netns c1 name eth0 alias veth1" RTM_NEWLINK
golden link-property-add "$veth" "ip link property add dev veth0 altname a-longer-name-than-15 altname b" RTM_NEWLINKPROP
golden link-property-delete "$veth; ip link property add dev veth0 altname a-longer-name-than-15" "ip link property del dev veth0 altname a-longer-name-than-15" RTM_DELLINKPROP
golden link-set-alias "$veth" "ip link set veth0 alias network/container" RTM_NEWLINK
golden link-set-addrgenmode "$veth" "ip link set veth0 addrgenmode none" RTM_NEWLINK
golden link-set-bridge-options "ip link add br0 type bridge" "ip link set br0 type bridge ageing_time 0 nf_call_iptables 1 forward_delay 200 hello_time 100 max_age 600 priority 4096 group_fwd_mask 8 nf_call_ip6tables 1 vlan_protocol 802.1Q" RTM_NEWLINK
golden link-delete "$veth" "ip link delete veth0" RTM_DELLINK
golden link-show "$port; ip link property add dev veth0 altname a-longer-name-than-15; ip link set veth0 alias hello" "ip link show dev veth0" RTM_GETLINK RTM_NEWLINK
golden link-show-altname "$port; ip link property add dev veth0 altname a-longer-name-than-15" "ip link show dev a-longer-name-than-15" RTM_GETLINK
golden link-show-bridge "ip link add br0 address 02:00:00:00:00:0b type bridge" "ip -d link show dev br0" RTM_GETLINK RTM_NEWLINK
golden link-show-macvlan "$veth; ip link add link veth0 name mac0 address 02:00:00:00:00:09 type macvlan mode vepa bcqueuelen 77" "ip -d link show dev mac0" RTM_GETLINK RTM_NEWLINK
golden link-show-tap "ip tuntap add tap0 mode tap user 1000 group 1001 multi_queue vnet_hdr" "ip -d link show dev tap0" RTM_GETLINK RTM_NEWLINK
golden link-show-all "$port" "ip link show" RTM_GETLINK RTM_NEWLINK
golden link-show-master "$port" "ip link show master br0" RTM_GETLINK
golden link-show-type "$port" "ip link show type veth" RTM_GETLINK

golden bridge-link-set "$port" "bridge link set dev veth0 hairpin on isolated on learning off flood off" RTM_SETLINK
golden bridge-link-set-rest "$port" "bridge link set dev veth0 guard on root_block on fastleave on mcast_flood off bcast_flood off neigh_suppress on locked on cost 7 priority 9 state 3" RTM_SETLINK
golden bridge-vlan-add "$port" "bridge vlan add dev veth0 vid 100 pvid untagged" RTM_SETLINK
golden bridge-vlan-add-range "$port" "bridge vlan add dev veth0 vid 100-200" RTM_SETLINK
golden bridge-vlan-add-self "$port" "bridge vlan add dev br0 vid 5 self" RTM_SETLINK
golden bridge-vlan-delete "$port" "bridge vlan delete dev veth0 vid 1" RTM_DELLINK
golden bridge-vlan-show "$port" "bridge -compressvlans vlan show" RTM_GETLINK

golden address-add "$veth" "ip address add 10.1.2.3/24 dev veth0" RTM_NEWADDR
golden address-add-options "$veth" "ip address add 10.1.2.3/24 broadcast + label veth0:1 scope link dev veth0" RTM_NEWADDR
golden address-add-peer "$veth" "ip address add 10.1.2.3 peer 10.1.2.4/32 dev veth0" RTM_NEWADDR
golden address-add-6 "$veth" "ip address add fd00:1::3/64 dev veth0 nodad" RTM_NEWADDR
golden address-add-6-flags "$veth" "ip address add fd00:1::3/64 dev veth0 nodad home noprefixroute" RTM_NEWADDR
golden address-add-6-lifetime "$veth" "ip address add fd00:1::3/64 dev veth0 nodad valid_lft 5000 preferred_lft 4000" RTM_NEWADDR
golden address-replace "$veth" "ip address replace 10.1.2.3/24 dev veth0" RTM_NEWADDR
golden address-delete "$up" "ip address delete fd00:1::3/64 dev veth0" RTM_DELADDR
golden address-show "$up; ip address add 10.1.2.9 peer 10.1.2.4/32 dev veth0" "ip address show dev veth0" RTM_GETADDR RTM_NEWADDR

golden route-add-default "$up" "ip route add default via 10.1.2.1 dev veth0" RTM_NEWROUTE
golden route-add-link "$up" "ip route add 192.0.2.0/24 dev veth0 src 10.1.2.3" RTM_NEWROUTE
golden route-add-metrics "$up" "ip route add 192.0.2.0/24 via 10.1.2.1 dev veth0 metric 50 mtu 1400 advmss 1360" RTM_NEWROUTE
golden route-add-onlink "$up" "ip route add default via 169.254.1.1 dev veth0 onlink" RTM_NEWROUTE
golden route-add-table "$up" "ip route add default via 10.1.2.1 table 1000 protocol static" RTM_NEWROUTE
golden route-add-blackhole "$up" "ip route add blackhole 198.51.100.0/24" RTM_NEWROUTE
golden route-add-6-default "$up" "ip route add default via fd00:1::1 dev veth0" RTM_NEWROUTE
golden route-add-6-link "$up" "ip route add fd00:2::/64 dev veth0 metric 256" RTM_NEWROUTE
golden route-prepend "$up; ip route add default via 10.1.2.1" "ip route prepend default via 10.1.2.9 dev veth0" RTM_NEWROUTE
golden route-replace "$up" "ip route replace default via 10.1.2.1" RTM_NEWROUTE
golden route-delete "$up; ip route add default via 10.1.2.1" "ip route delete default via 10.1.2.1 dev veth0" RTM_DELROUTE
golden route-delete-6 "$up; ip route add fd00:2::/64 dev veth0" "ip route delete fd00:2::/64 dev veth0" RTM_DELROUTE
golden route-get "$up; ip route add default via 10.1.2.1" "ip route get 192.0.2.7" RTM_GETROUTE RTM_NEWROUTE
golden route-get-6 "$up; ip route add default via fd00:1::1" "ip route get 2001:db8::7" RTM_GETROUTE RTM_NEWROUTE
golden route-show "$up; ip route add default via 10.1.2.1 mtu 1400 advmss 1360 metric 50; ip route add 192.0.2.0/24 via 10.9.9.9 dev veth0 onlink src 10.1.2.3" "ip route show" RTM_GETROUTE RTM_NEWROUTE
golden route-show-table "$up; ip route add default via 10.1.2.1 table 1000" "ip route show table 1000" RTM_GETROUTE RTM_NEWROUTE
golden route-show-6 "$up; ip route add default via fd00:1::1" "ip -6 route show dev veth0" RTM_GETROUTE RTM_NEWROUTE

hops="$up; ip route add 192.0.2.0/24 nexthop via 10.1.2.1 dev veth0 nexthop via 10.9.9.9 dev veth0 weight 3 onlink; ip route add 2001:db8::/32 nexthop via fd00:1::1 dev veth0 nexthop via fd00:1::2 dev veth0 weight 3"
golden route-add-hops "$up" "ip route add 192.0.2.0/24 nexthop via 10.1.2.1 dev veth0 nexthop via 10.9.9.9 dev veth0 weight 3 onlink" RTM_NEWROUTE
golden route-show-hops "$hops" "ip route show" RTM_GETROUTE RTM_NEWROUTE
golden route-show-6-hops "$hops" "ip -6 route show" RTM_GETROUTE RTM_NEWROUTE
golden route-show-all "$up; ip route add default via 10.1.2.1 table 1000" "ip -4 route show table all dev veth0" RTM_GETROUTE RTM_NEWROUTE

rules="ip rule add from 10.1.2.3 lookup 1000 priority 500 protocol 66; ip rule add from 10.1.2.0/24 fwmark 1 lookup 7; ip rule add not from 10.1.2.3 lookup 8; ip rule add from 10.1.2.3 lookup main suppress_prefixlength 0; ip -6 rule add from fd00:1::3 lookup 100; ip -6 rule add l3mdev protocol kernel"
golden rule-add : "ip rule add from 10.1.2.3 lookup 100" RTM_NEWRULE
golden rule-add-table : "ip rule add from 10.1.2.0/24 lookup 1000 priority 500 protocol 66" RTM_NEWRULE
golden rule-add-6 : "ip -6 rule add from fd00:1::3 lookup 100" RTM_NEWRULE
golden rule-delete "$rules" "ip rule delete from 10.1.2.3 lookup 1000 priority 500 protocol 66" RTM_DELRULE
golden rule-show "$rules" "ip rule show" RTM_GETRULE RTM_NEWRULE
golden rule-show-6 "$rules" "ip -6 rule show" RTM_GETRULE RTM_NEWRULE

ifb="$veth; ip link set veth0 up; ip link add ifb0 type ifb; ip link set ifb0 up" # 4
redirect="action mirred egress redirect dev ifb0"
golden link-add-ifb : "ip link add bwp0 up mtu 1400 txqueuelen 0 type ifb" RTM_NEWLINK
golden qdisc-add-tbf "$veth" "tc qdisc add dev veth0 root handle 1: tbf rate 8mbit burst 100000 limit 125000" RTM_NEWQDISC
golden qdisc-add-tbf-large "$veth" "tc qdisc add dev veth0 root handle 1: tbf rate 80gbit burst 1000000000 limit 2000000000" RTM_NEWQDISC
golden qdisc-add-clsact "$veth" "tc qdisc add dev veth0 clsact" RTM_NEWQDISC
golden qdisc-delete-tbf "$veth; tc qdisc add dev veth0 root handle 1: tbf rate 8mbit burst 100000 limit 125000" "tc qdisc delete dev veth0 root handle 1:" RTM_DELQDISC
golden qdisc-delete-clsact "$veth; tc qdisc add dev veth0 clsact" "tc qdisc delete dev veth0 clsact" RTM_DELQDISC
golden qdisc-show "$ifb; tc qdisc add dev veth0 root handle 1: tbf rate 8mbit burst 100000 limit 125000; tc qdisc add dev ifb0 root handle 1: tbf rate 80gbit burst 1000000000 limit 2000000000; tc qdisc add dev veth0 clsact" "tc qdisc show" RTM_GETQDISC RTM_NEWQDISC
golden filter-add "$ifb; tc qdisc add dev veth0 clsact" "tc filter add dev veth0 ingress protocol all pref 65535 u32 match u32 0 0 flowid 1:1 $redirect" RTM_NEWTFILTER
golden filter-add-prefix "$ifb; tc qdisc add dev veth0 clsact" "tc filter add dev veth0 egress protocol ip pref 65533 u32 match ip src 10.1.0.0/16 flowid 1:1" RTM_NEWTFILTER
golden filter-add-prefix-6 "$ifb; tc qdisc add dev veth0 clsact" "tc filter add dev veth0 ingress protocol ipv6 pref 65534 u32 match ip6 dst fd00:1:2:3:4000::/66 flowid 1:1 $redirect" RTM_NEWTFILTER
golden filter-delete "$ifb; tc qdisc add dev veth0 clsact; tc filter add dev veth0 ingress protocol all pref 65535 u32 match u32 0 0 flowid 1:1 $redirect" "tc filter delete dev veth0 ingress protocol all pref 65535 u32" RTM_DELTFILTER
golden filter-show "$ifb; tc qdisc add dev veth0 clsact; tc filter add dev veth0 ingress protocol ip pref 65533 u32 match ip dst 10.1.0.0/16 flowid 1:1; tc filter add dev veth0 ingress protocol all pref 65535 u32 match u32 0 0 flowid 1:1 $redirect" "tc filter show dev veth0 ingress" RTM_GETTFILTER RTM_NEWTFILTER

golden neighbour-replace "$up" "ip neighbour replace 10.1.2.4 lladdr 02:00:00:00:00:04 dev veth0" RTM_NEWNEIGH
golden neighbour-replace-state "$up" "ip neighbour replace fd00:1::4 lladdr 02:00:00:00:00:04 dev veth0 nud stale router" RTM_NEWNEIGH
golden neighbour-delete "$up; ip neighbour add 10.1.2.4 lladdr 02:00:00:00:00:04 dev veth0" "ip neighbour delete 10.1.2.4 dev veth0" RTM_DELNEIGH
golden neighbour-show "$up; ip neighbour add 10.1.2.4 lladdr 02:00:00:00:00:04 dev veth0" "ip -4 neighbour show dev veth0 nud all" RTM_GETNEIGH RTM_NEWNEIGH
