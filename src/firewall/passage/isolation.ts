// What containernetworking/plugins' firewall has in the filter tables of iptables, in both forms: whom it lets through, and the
// isolation of bridges, which no DEL of upstream's removes.

import { undisturbed } from "../../iptables/again.ts";
import { hasLegacyTable, includes, legacyTableBytes } from "../../iptables/legacy-table.ts";
import { readListing } from "../../iptables/listing.ts";
import { findProgram, restoreTable, saveTable } from "../../iptables/program.ts";
import { lineOf, wordAfter } from "../../iptables/rule.ts";
import { withNode } from "../../links/namespaces.ts";
import { chainStates } from "../../nftables/chain.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { nfproto } from "../../nftables/uapi.ts";
import { getLink, listLinks } from "../../rtnetlink/link.ts";
import { engine } from "../../sys/engine.ts";
import { FAMILIES, type Family, formatIp, parseCidr } from "../../wire/ip.ts";
import { bridgeOf, type Isolation, surplusIsolation } from "./isolation-rules.ts";
import { CNI_FORWARD, STAGES } from "./upstream-chains.ts";

const TABLE = "filter";

/** A filter table of one family, in one form of iptables. */
interface Place {
  readonly family: Family;
  readonly form: "legacy" | "nft";
}

/** Where one of these chains is: in legacy where there may be. Nothing is executed for that. */
function placesWith(nft: Nftables | undefined, chains: readonly string[]): Place[] {
  const asked = FAMILIES.flatMap((family) =>
    chains.map((name) => ({ of: family, family: nfproto(family), table: TABLE, name })),
  );
  const states = nft === undefined ? [] : chainStates(nft.connection, asked);
  const withNft = new Set(asked.filter((_, i) => states[i] === "as asked").map(({ of }) => of));
  return FAMILIES.flatMap((family): Place[] => {
    const inNft = withNft.has(family);
    const inLegacy =
      hasLegacyTable(TABLE, family) &&
      chains.some((name) => includes(legacyTableBytes(TABLE, family), engine.encode(`${name}\0`)));
    return [
      ...(inNft ? [{ family, form: "nft" } as const] : []),
      ...(inLegacy ? [{ family, form: "legacy" } as const] : []),
    ];
  });
}

/** What upstream's rules are about: addresses as text, and the bridges that they isolate. */
export interface UpstreamRules {
  readonly addresses: ReadonlySet<string>;
  readonly bridges: ReadonlySet<string>;
}

/** Reads upstream's rules. Where there is none of its chains, nothing is executed. Throws IptablesError, SyscallError or NetlinkError. */
export function admittedByUpstream(nft: Nftables): UpstreamRules {
  const chains = [CNI_FORWARD, ...STAGES];
  const rules = placesWith(nft, chains).flatMap(({ family, form }) => {
    const listing = readListing(saveTable(TABLE, family, form));
    return chains.flatMap((chain) => listing.get(chain) ?? []);
  });
  const addresses = rules.flatMap((words) => {
    const cidr = parseCidr(wordAfter(words, "-s") ?? wordAfter(words, "-d") ?? "");
    return cidr !== undefined && words.at(-1) === "ACCEPT" ? [formatIp(cidr.ip)] : [];
  });
  return { addresses: new Set(addresses), bridges: new Set(rules.flatMap((words) => bridgeOf(words) ?? [])) };
}

/** Takes out what isolates the bridges otherwise than so; what is missing stays missing. Throws as admittedByUpstream. */
export function relaxIsolation(nft: Nftables | undefined, isolations: readonly Isolation[]): void {
  if (isolations.length === 0) return;
  for (const place of placesWith(nft, [STAGES[0]])) takeOut(place, isolations);
}

function takeOut({ family, form }: Place, isolations: readonly Isolation[]): void {
  const linesIn = (): string[] => {
    const listing = readListing(saveTable(TABLE, family, form));
    return isolations
      .flatMap((one) => surplusIsolation(listing, one))
      .map(({ chain, rule }) => lineOf(["-D", chain, ...rule]));
  };
  let lines: string[] = [];
  undisturbed(
    () => {
      lines = linesIn();
      if (lines.length > 0) restoreTable(TABLE, family, lines, form);
    },
    () => linesIn().join() !== lines.join(),
  );
}

/**
 * Ends the isolation of a bridge that has no container any more but the one behind `port`, which is leaving: upstream's rules name
 * the bridge alone, so that as long as there are others nobody can say whose they are. `isWanted` is whether any of our networks
 * isolates the bridge. Where no program of the table's form is there any more, the rules stay, as upstream's do. Throws as
 * admittedByUpstream.
 */
export function endIsolation(
  nft: Nftables | undefined,
  bridge: string,
  port: string | undefined,
  isWanted: () => boolean,
): void {
  // Nobody removes the chains: most DELs that find them have nothing to end.
  const places = placesWith(nft, [STAGES[0]]);
  if (places.length === 0 || isWanted() || hasOthers(bridge, port)) return;
  for (const place of places) {
    const { family, form } = place;
    if (findProgram(family, "save", form) === undefined) continue;
    const before = readListing(saveTable(TABLE, family, form));
    const own = surplusIsolation(before, { bridge, policies: [] });
    if (own.length === 0) continue;
    takeOut(place, [{ bridge, policies: [] }]);
    // One that has come meanwhile has found the rules there, and relies on them.
    if (!hasOthers(bridge, port)) continue;
    const after = readListing(saveTable(TABLE, family, form));
    const isIn = (text: string) => (other: (typeof own)[number]) => lineOf(other.rule) === text;
    const there = surplusIsolation(after, { bridge, policies: [] });
    const lost = own.filter(({ rule }) => !there.some(isIn(lineOf(rule))));
    restoreTable(
      TABLE,
      family,
      lost.map(({ chain, rule }) => lineOf(["-I", chain, "1", ...rule])),
      form,
    );
  }
}

/** Whether the bridge has another port. What is no bridge, the node's end of a pair, has none. */
function hasOthers(bridge: string, port: string | undefined): boolean {
  return withNode((node) => {
    const link = getLink(node, bridge);
    return link !== undefined && listLinks(node, { masterIndex: link.index }).some(({ name }) => name !== port);
  });
}
