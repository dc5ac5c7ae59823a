#!/bin/bash
# The first process of a guest. Runs what /bauta/entries.* list (entries.mjs tells what the parts are), as many at once as
# there are processors, each in namespaces of its own. What they report goes to the second serial port, one line of JSON
# each; what they say, and how they end, to the first, which is the console.
export PATH=/usr/sbin:/usr/bin HOME=/root TERM=dumb

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm /dev/pts /results
mount -t devpts devpts /dev/pts
for path in /dev/shm /run /tmp; do mount -t tmpfs -o mode=1777 tmpfs $path; done
mkdir -p /run/netns /run/lock
# What devtmpfs leaves to others.
ln -s /proc/self/fd /dev/fd
for i in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${i%:*}" "/dev/${i#*:}"; done
# Elsewhere kmod makes /dev/net/tun when the machine starts, and opening that loads the module.
modprobe tun
ip link set lo up
stty -F /dev/ttyS1 raw

run_entry() {
  local entry=$1 result=/results/${1//\//-} log=/results/${1//\//-}.log status=0 begin=$SECONDS
  bash test/support/run-in-namespaces.sh timeout -k 5 "$(<patience)" node "$entry.mjs" "$result" >"$log" 2>&1 || status=$?
  if [ ! -s "$result" ]; then
    printf '{"name":"%s","message":"ended with status %s and no report","assertionResults":[]}\n' "$entry" "$status" >"$result"
  fi
  flock /results/lock cat "$result" >/dev/ttyS1
  flock /results/lock sed "s|^|$entry: |" "$log"
  echo "$entry: done in $((SECONDS - begin)) s"
}
export -f run_entry
export BAUTA_PEER_DIR=/bauta/peer BAUTA_REQUIRE_VLAN=1
cd /bauta

echo "guest: $(uname -r), $(nproc) processors, up after $(cut -d' ' -f1 /proc/uptime) s"
run_entries() { xargs -r -P "$1" -I{} bash -c 'run_entry {}' <"entries.$2"; }
run_entries 1 alone
run_entries "$(nproc)" all
modprobe br_netfilter
run_entries "$(nproc)" bridged
echo "guest: done after $(cut -d' ' -f1 /proc/uptime) s"
echo end >/dev/ttyS1
sleep 0.2 # for what is still on its way to the serial ports
echo o >/proc/sysrq-trigger
sleep 60
