// `bauta adopt`: takes over what containernetworking/plugins masquerades, and lets through its firewalls.

import { adoptProtections } from "../firewall/adopt.ts";
import { type Adoption, adopt as adoptAll } from "../masquerade/upstream/adopt.ts";
import { flag } from "./arguments.ts";
import { countOf } from "./count.ts";
import { IncompleteError } from "./incomplete.ts";
import { type Verb, verb } from "./verb.ts";

const ABOUT = `
Moves the rules that containernetworking/plugins have made for containers into
bauta's tables, and removes them: those of its nftables back end (table inet
cni_plugins_masquerade) in one transaction, those of its iptables back end
(chains CNI-… of table nat, in either form of iptables) as soon as bauta's
tables have what they did. No packet leaves unmasqueraded. The containers are
bauta's from then on: CHECK and DEL must come from bauta's plugins.

A rule names its container in a comment, which may have no room for all of it,
and which under iptables does not name the interface; the rest is looked for
among host-local's addresses in /var/lib/cni/networks and container runtimes'
records in /var/lib/cni/results. A rule whose container is not found is left as
it is, and told; the exit status is 1 then.

Attachments that bauta has made with ipMasqBackend "iptables" stay there.

Of the firewall plugin: containers that upstream's rules in iptables let through
come into bauta's tables, and so does the isolation of their bridges
(ingressPolicy). Whose an address is, and what its network asks for, is in
container runtimes' records. Rules that are needed because iptables drops what is
forwarded stay, and are bauta's.
`;

export const adopt: Verb = verb({
  name: "adopt",
  summary: "Takes over the rules of containernetworking/plugins",
  about: ABOUT,
  options: { "dry-run": flag("tell what would be moved, and change nothing") },
  run({ "dry-run": isDryRun }, io) {
    const nft = io.openNftables();
    let done: Adoption;
    try {
      done = joined(adoptAll(nft, isDryRun), adoptProtections(nft, isDryRun));
    } finally {
      nft.close();
    }
    const { adopted, left, problems } = done;
    const lines = adopted.map(
      ({ attachment, addresses }) =>
        `${attachment.network} ${attachment.containerId} ${attachment.ifname} ${addresses.join(" ")}`,
    );
    lines.push(`${isDryRun ? "would adopt" : "adopted"} ${countOf(adopted.length, "attachment")}`);
    io.print(lines);
    for (const phrase of [...left, ...problems]) io.log(`bauta: ${phrase}`);
    if (left.length + problems.length > 0) throw new IncompleteError("not everything could be adopted");
  },
});

/** What has been taken over of either, each attachment once. */
function joined(masquerade: Adoption, { adopted, left }: ReturnType<typeof adoptProtections>): Adoption {
  const all = new Map<string, Adoption["adopted"][number]>();
  for (const one of [...adopted, ...masquerade.adopted]) all.set(JSON.stringify(one.attachment), one);
  return { ...masquerade, adopted: [...all.values()], left: [...masquerade.left, ...left] };
}
