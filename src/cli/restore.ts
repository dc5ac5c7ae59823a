// `bauta restore`: puts back what somebody else has removed from the kernel.

import { flag } from "./arguments.ts";
import { askFeatures } from "./ask-features.ts";
import { countOf } from "./count.ts";
import { IncompleteError } from "./incomplete.ts";
import { QUIET, type Verb, verb } from "./verb.ts";

const ABOUT = `
Puts the rules of every live attachment back, from the records under /run/bauta:
after nft flush ruleset, a restart of nftables.service or whatever else removes
rules that are not its own. Tables, maps, chains and sets of bauta's that have
been altered are put right. All is done in one transaction; what is as it should
be is not touched, so it may be run at any time. The same for the chains and
rules of attachments under ipMasqBackend "iptables", after iptables -t nat -F
say: by one iptables-restore for each family. The same for the limits of the
plugin bandwidth, after tc qdisc delete say, for the rules that sbr made in a
container, and for the old name of a device in its alias, by which DEL of
containernetworking/plugins finds the way back.

An address that two attachments claim goes to the one that came last, and so
does a port that two guard with macspoofchk. A host port that two publish goes
to the older one. Rules of other programs are not restored.

Exit status 1 where something could not be put back; it is told on standard
error, and everything else has been put back.

--json prints an object:

  attachments  how many live attachments there are
  addresses    how many of their addresses were put back or put right; a guard
               of macspoofchk counts as the MAC address that it lets pass,
               and a limit or a rule of sbr as one
  mended       what was wrong with the tables themselves: strings
  problems     what could not be put back, and why: strings
`;

export const restore: Verb = verb({
  name: "restore",
  summary: "Puts back rules that have been removed or altered",
  about: ABOUT,
  options: { json: flag("as JSON, for programs"), ...QUIET },
  run({ json }, io) {
    const parts = askFeatures(io, (feature, nft) => feature.restore(nft));
    const done = {
      attachments: new Set(parts.flatMap(({ attachments }) => attachments)).size,
      addresses: parts.reduce((sum, { restored }) => sum + restored, 0),
      mended: parts.flatMap(({ mended }) => mended),
      problems: parts.flatMap(({ problems }) => problems),
    };
    if (json) io.printJson(JSON.stringify(done));
    else {
      const { attachments, addresses, mended } = done;
      const count = `put back ${countOf(addresses, "address", "addresses")} (${countOf(attachments, "live attachment")})`;
      io.notice([...mended, count]);
    }
    for (const one of parts.flatMap(({ passedOver }) => passedOver)) io.log(`bauta: warning: ${one}`);
    for (const problem of done.problems) io.log(`bauta: ${problem}`);
    if (done.problems.length > 0) throw new IncompleteError("not everything could be put back");
  },
});
