// The plugins and the command in the namespaces of an ordinary user, where rootless runtimes run them: root there is nobody to
// the files of /proc that belong to the node's root.

import { beforeAll, describe, expect, it } from "vitest";
import { forEverybody } from "../support/everybody.ts";
import { asOrdinaryUser } from "../support/ordinary-user.ts";
import { becomeNode, PLUGINS } from "./masquerade/node.ts";
import { DUAL } from "./masquerade/runtime.ts";

const NAMES = ["bridge", "ptp", "host-local", "bauta"];

let directory = "";
beforeAll(() => {
  becomeNode();
  directory = forEverybody(PLUGINS, NAMES);
});

/** A host beyond the node, which knows no way to containers, and a network that leads there by masquerade. */
const WORLD = (backend: string, form: string): string => `
if [ ${form} != any ]; then
  mkdir /run/bin
  for family in ip ip6; do
    for verb in "" -save -restore; do ln -s $(type -P xtables-${form}-multi) /run/bin/\${family}tables$verb; done
  done
  export PATH=/run/bin:$PATH
fi
ip netns add outside
ip link add uplink type veth peer name eth0 netns outside
ip address add 192.0.2.1/24 dev uplink
ip address add 2001:db8::1/64 dev uplink nodad
ip -n outside address add 192.0.2.2/24 dev eth0
ip -n outside address add 2001:db8::2/64 dev eth0 nodad
ip link set uplink up
ip -n outside link set eth0 up
ip netns add c1
ip netns add c2
cat >/run/list.conflist <<END
{"cniVersion": "1.1.0", "name": "net1", "plugins": [{
  "type": "bridge", "bridge": "br1", "isGateway": true, "ipMasq": true, "ipMasqBackend": "${backend}",
  "ipam": {"type": "host-local", "ranges": ${JSON.stringify(DUAL.map((subnet) => [{ subnet }]))},
           "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}]}
END
export CNI_PATH=/mnt
cni() { /mnt/bauta cni "$1" /run/list.conflist "\${@:2}"; }
reaches() { for to in 192.0.2.2 2001:db8::2; do ip netns exec $1 ping -q -c1 -W9 $to >/dev/null; done; }
`;

const BACKENDS = [
  ["nftables", "any"],
  ["iptables", "any"],
  ["iptables", "nft"],
  ["iptables", "legacy"],
] as const;

describe.each(BACKENDS)("ipMasqBackend %s with iptables %s in an ordinary user's namespaces", (backend, form) => {
  const run = (script: string): string => asOrdinaryUser(directory, WORLD(backend, form) + script);

  it("serves every verb, and what it attaches reaches the world by the node's addresses", () => {
    const printed = run(`
      cni status
      for c in c1 c2; do cni add --netns $c >/dev/null; done
      for c in c1 c2; do cni check --netns $c; reaches $c; done
      cni del --netns c1
      cni check --netns c2
      reaches c2
      ip netns delete c2
      cni gc
      /mnt/bauta list
      find /run/bauta -type f -not -path '/run/bauta/tried-out/*'
      find /var/lib/cni -type f -path '*198.18*'
      iptables-save -t nat | grep CNI- || true
      ip6tables-save -t nat | grep CNI- || true
    `);
    expect(
      printed.split("\n").filter((line) => !/^(NETWORK .*|net1 cnitool-\w+ eth0|removed 1 attachment .*|)$/.test(line)),
    ).toEqual([]);
  });

  it("lists, explains, restores, adopts and collects", () => {
    const printed = run(`
      cni add --netns c1 >/dev/null
      /mnt/bauta list | sed -n '2,$s/  */ /gp'
      /mnt/bauta explain --from 198.18.0.2 --to 192.0.2.2 2>&1 | sed -n '/^It leaves/p; /^bauta: 198/p'
      ${backend === "nftables" ? "nft flush ruleset" : "iptables -t nat -F; iptables -t nat -X; ip6tables -t nat -F; ip6tables -t nat -X"}
      if cni check --netns c1 2>/dev/null; then echo "CHECK is content without rules"; fi
      /mnt/bauta restore | sed -n '$p'
      cni check --netns c1
      reaches c1
      /mnt/bauta adopt
      ip netns delete c1
      rm -r /var/lib/cni/results
      /mnt/bauta gc --grace 0s | sed -n '$p'
      /mnt/bauta list | sed 1d
    `);
    expect(printed).toMatch(/^net1 cnitool-\w+ eth0 198\.18\.0\.2\/17 .*\nnet1 cnitool-\w+ eth0 fd61:\S+\/112 /);
    const explained =
      backend === "nftables" ? "It leaves with the source 192.0.2.1" : "whose rules explain does not follow";
    expect(printed).toContain(explained);
    expect(printed).toContain(
      "put back 2 addresses (1 live attachment)\nadopted 0 attachments\nremoved 1 attachment\n",
    );
    expect(printed).not.toContain("CHECK is content");
  });
});

it("is an ordinary user whom nothing of the node belongs to", () => {
  expect(asOrdinaryUser(directory, "id -u; cat /proc/self/uid_map")).toMatch(/^0\n +0 +65534 +1\n$/);
  expect(asOrdinaryUser(directory, "cat /proc/net/ip_tables_names 2>&1 || true")).toMatch(
    /Permission denied|No such file/,
  );
});
