#!/bin/bash
# training.sh DIRECTORY: has the plugins in the directory do what they do most, in the network and mount namespaces that
# this runs in (see training.mjs). Two containers each, so that both the first and a later one are among it.
. "$(dirname "$0")/../tools/strict.sh"
cd "$1"
mount --make-rprivate /
mount -t tmpfs tmpfs /run
export CNI_PATH="$1" CNI_IFNAME=eth0 BAUTA_TRAINING="$1/notes"
for plugin in bridge ptp; do
  cat > configuration <<EOT
{ "cniVersion": "1.1.0", "name": "training-$plugin", "type": "$plugin", "bridge": "training0", "isGateway": true,
  "ipMasq": true, "ipMasqBackend": "nftables", "ipam": { "type": "host-local", "dataDir": "$1",
    "ranges": [ [{"subnet": "198.18.0.0/24"}], [{"subnet": "fd00:6261:7574::/64"}] ],
    "routes": [ {"dst": "0.0.0.0/0"}, {"dst": "::/0"} ] } }
EOT
  call() { CNI_COMMAND=$1 CNI_CONTAINERID=${2-} CNI_NETNS=${2:+$CNI_PATH/$2} "$CNI_PATH/$plugin" < "${3-configuration}"; }
  call VERSION > /dev/null
  for container in first second; do
    touch "$container"
    unshare --net="$1/$container" true
    call ADD "$container" > result
  done
  { sed '$s/}$/, "prevResult":/' configuration && cat result && echo "}"; } > checked
  call CHECK second checked
  call STATUS
  for container in second first; do
    call DEL "$container"
    umount "$container"
  done
done
