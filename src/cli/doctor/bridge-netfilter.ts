// br_netfilter: with bridge-nf-call-iptables what passes a bridge passes the rules of IP, too, as Kubernetes' kube-proxy needs it.
// Of two containers on one bridge an iptables that drops what is forwarded then drops the packets.

import { FAMILIES } from "../../wire/ip.ts";
import type { Check } from "./finding.ts";
import type { Node } from "./node.ts";

export const bridgeRules: Check<Node> = {
  name: "bridge-nf-call",
  look(node) {
    const networks = node.networks().filter(({ kind }) => kind === "bridge");
    if (networks.length === 0) return [];
    const on = FAMILIES.filter((family) => node.sysctl(PARAMETERS[family]) === "1");
    const [only] = on;
    if (only === undefined) return [];
    if (on.length === 1 && networks.some(({ families }) => families.size === 2)) {
      const [is, other] = only === 4 ? ["IPv4", "IPv6"] : ["IPv6", "IPv4"];
      const text = `what passes a bridge passes the rules of ${is}, and not those of ${other}: they differ between containers of one bridge`;
      return [
        { severity: "warning", text, remedy: `give net.bridge.bridge-nf-call-iptables and -ip6tables one value` },
      ];
    }
    return [];
  },
};

const PARAMETERS = {
  4: "net/bridge/bridge-nf-call-iptables",
  6: "net/bridge/bridge-nf-call-ip6tables",
} as const;
