// The rules that containernetworking/plugins' iptables back end makes for an attachment, as words of iptables-restore(8).

import type { Attachment } from "../../cni/attachment.ts";
import type { RuleWords } from "../../iptables/rule.ts";
import { type Cidr, familyOf, formatCidr, formatIp, networkOf } from "../../wire/ip.ts";
import { commentOf } from "./names.ts";

const MULTICAST = { 4: "224.0.0.0/4", 6: "ff00::/8" } as const;

/** Packets inside the address's subnet stay as they are. */
export function acceptRule(attachment: Attachment, address: Cidr): RuleWords {
  return ["-d", formatCidr(networkOf(address)), ...commented(attachment), "-j", "ACCEPT"];
}

/** All others are masqueraded, but for those to multicast groups. */
export function masqueradeRule(attachment: Attachment, family: 4 | 6): RuleWords {
  return ["!", "-d", MULTICAST[family], ...commented(attachment), "-j", "MASQUERADE"];
}

/** The rule of POSTROUTING that leads the address's packets into the attachment's chain. */
export function jumpRule(attachment: Attachment, { ip }: Cidr, chain: string): RuleWords {
  const source = `${formatIp(ip)}/${familyOf(ip) === 4 ? 32 : 128}`;
  return ["-s", source, ...commented(attachment), "-j", chain];
}

function commented(attachment: Attachment): string[] {
  return ["-m", "comment", "--comment", commentOf(attachment)];
}
