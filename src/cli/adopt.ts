// `bauta adopt`: takes over what containernetworking/plugins masquerades.

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
      done = adoptAll(nft, isDryRun);
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
