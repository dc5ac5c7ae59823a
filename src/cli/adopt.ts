// `bauta adopt`: takes over what containernetworking/plugins have made for containers.

import { FEATURES } from "../features.ts";
import type { Adopted } from "../owned/feature.ts";
import { attachmentId, idText } from "../owned/id.ts";
import { flag } from "./arguments.ts";
import { countOf } from "./count.ts";
import { IncompleteError } from "./incomplete.ts";
import { QUIET, type Verb, verb } from "./verb.ts";

const ABOUT = `
Moves the rules that containernetworking/plugins have made for containers into
bauta's tables, and removes them: the masquerade of bridge and ptp, and the
published ports of portmap. Those of its nftables back ends (tables inet
cni_plugins_masquerade, ip and ip6 cni_hostport) go in one transaction, those of
its iptables back ends (chains CNI-… of table nat, in either form of iptables)
as soon as bauta's tables have what they did. No packet leaves unmasqueraded,
and no port is closed for a moment. The containers are bauta's from then on:
CHECK and DEL must come from bauta's plugins.

A rule names its container in a comment, which may have no room for all of it,
and which does not always name network and interface; the rest is looked for
among host-local's addresses in /var/lib/cni/networks and container runtimes'
records in /var/lib/cni/results. A rule whose container is not found is left as
it is, and told; the exit status is 1 then. Ports with conditions are left, too.

Of the firewall plugin: containers that upstream's rules in iptables let through
come into bauta's tables, and so does the isolation of their bridges
(ingressPolicy). Whose an address is, and what its network asks for, is in
container runtimes' records. Rules that are needed because iptables drops what
is forwarded stay, and are bauta's.

Of the bandwidth plugin: what limits a container stays as it is in the kernel,
and is bauta's from then on, so that no packet is lost. Whose a limit is, is in
container runtimes' records.

Attachments that bauta has made by iptables stay there.
`;

export const adopt: Verb = verb({
  name: "adopt",
  summary: "Takes over the rules of containernetworking/plugins",
  about: ABOUT,
  options: { "dry-run": flag("tell what would be moved, and change nothing"), ...QUIET },
  run({ "dry-run": isDryRun }, io) {
    const nft = io.openNftables();
    try {
      const all = FEATURES.flatMap((feature) => {
        io.doing(feature.name);
        return feature.adopt?.(nft, isDryRun) ?? [];
      });
      const adopted = joined(all.flatMap((one) => one.adopted));
      const lines = adopted.map(
        ({ attachment, addresses }) =>
          `${attachment.network} ${attachment.containerId} ${attachment.ifname} ${addresses.join(" ")}`,
      );
      lines.push(`${isDryRun ? "would adopt" : "adopted"} ${countOf(adopted.length, "attachment")}`);
      (isDryRun ? io.print : io.notice)(lines);
      const phrases = all.flatMap(({ left, problems }) => [...left, ...problems]);
      for (const phrase of phrases) io.log(`bauta: ${phrase}`);
      if (phrases.length > 0) throw new IncompleteError("not everything could be adopted");
    } finally {
      nft.close();
    }
  },
});

/** What several features have adopted of one attachment, as one. */
function joined(all: readonly Adopted[]): Adopted[] {
  const byId = new Map<string, Adopted>();
  for (const one of all) {
    const id = idText(attachmentId(one.attachment));
    const known = byId.get(id)?.addresses ?? [];
    const isKnown = (text: string): boolean => known.some((other) => other === text || other.startsWith(`${text}/`));
    byId.set(id, { ...one, addresses: [...known, ...one.addresses.filter((text) => !isKnown(text))] });
  }
  return [...byId.values()];
}
