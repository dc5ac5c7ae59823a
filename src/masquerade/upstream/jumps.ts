// What containernetworking/plugins' iptables back end masquerades, read for `bauta adopt`. Its rules name network and
// container; which of the container's interfaces has the address, host-local or a container runtime knows.

import type { Attachment } from "../../cni/attachment.ts";
import type { NatListing } from "../../iptables/listing.ts";
import type { Jump, NatTable } from "../../iptables/nat-table.ts";
import { IptablesError } from "../../iptables/program.ts";
import { type RuleWords, sameRule, wordAfter } from "../../iptables/rule.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { attachmentId, idText } from "../../owned/id.ts";
import { cachedResults, holderOf } from "../../owned/runtime-files.ts";
import { type Cidr, contains, FAMILIES, type Family, formatIp, isSingleHost, parseCidr } from "../../wire/ip.ts";
import { natTables } from "../iptables/iptables.ts";
import { chainOf, commentOf, parseComment, parseCutComment } from "../iptables/names.ts";
import { iptablesRecords } from "../iptables/records.ts";
import { masqueradeRule } from "../iptables/rules.ts";

/** An address that upstream's rules masquerade, whose it is, and where the rules are. */
export interface UpstreamJump {
  readonly attachment: Attachment;
  /** The attachment's id as text. */
  readonly id: string;
  /** With the prefix length of its subnet. */
  readonly cidr: Cidr;
  readonly table: NatTable;
  readonly chain: string;
}

export interface UpstreamJumps {
  readonly found: readonly UpstreamJump[];
  /** Rules that can't be taken over, and why, each as a phrase. */
  readonly left: readonly string[];
}

/** Finds them in both forms of iptables. Throws NetlinkError or SyscallError. */
export function readUpstreamJumps(nft: Nftables): UpstreamJumps {
  const found: UpstreamJump[] = [];
  const left: string[] = [];
  const owners = new Owners();
  for (const table of FAMILIES.flatMap((family) => natTables(nft, family))) {
    try {
      if (!table.mayHaveChains()) continue;
      const jumps = table.jumps().filter((jump) => !owners.isOurs(jump));
      const listing: NatListing = jumps.length === 0 ? new Map() : table.list();
      for (const jump of jumps) {
        const one = identify(jump, table, listing, owners);
        if (typeof one === "string") left.push(`rule of ${programOf(table)} that leads to ${jump.chain}: ${one}`);
        else found.push(one);
      }
    } catch (error) {
      if (!(error instanceof IptablesError)) throw error;
      left.push(error.message);
    }
  }
  return { found, left };
}

const programOf = ({ family }: NatTable): string => (family === 4 ? "iptables" : "ip6tables");

function identify(jump: Jump, table: NatTable, listing: NatListing, owners: Owners): UpstreamJump | string {
  const { chain, source } = jump;
  const rules = listing.get(chain);
  if (source === undefined || !isSingleHost(source)) return "it is not as upstream's plugins make it";
  if (rules === undefined) return "iptables' own program doesn't show its chain";
  const attachment = owners.find(jump, source);
  if (typeof attachment === "string") return attachment;
  const prefixLength = subnetLength(rules, source, attachment, table.family);
  if (prefixLength === undefined) return "its chain is not as upstream's plugins make it";
  const cidr = { ip: source.ip, prefixLength };
  return { attachment, id: idText(attachmentId(attachment)), cidr, table, chain };
}

/** The length of the subnet that the chain accepts around the address; undefined where it does anything else besides. */
function subnetLength(
  rules: readonly RuleWords[],
  source: Cidr,
  attachment: Attachment,
  family: Family,
): number | undefined {
  const masquerade = masqueradeRule(attachment, family);
  let length: number | undefined;
  for (const rule of rules) {
    if (sameRule(rule, masquerade)) continue;
    const subnet = parseCidr(wordAfter(rule, "-d") ?? "");
    const isAccept = rule[0] === "-d" && rule.at(-2) === "-j" && rule.at(-1) === "ACCEPT";
    if (!isAccept || subnet === undefined) return undefined;
    if (contains(subnet, source.ip)) length = Math.max(length ?? 0, subnet.prefixLength);
  }
  return rules.some((rule) => sameRule(rule, masquerade)) ? length : undefined;
}

/** Tells the attachment of a jump. */
class Owners {
  #cached: readonly string[] | undefined;
  readonly #ours = new Set(
    iptablesRecords
      .listLive()
      .flatMap(({ record: { attachment, addresses } }) =>
        addresses.map(({ ip }) => `${commentOf(attachment)} ${formatIp(ip)}`),
      ),
  );

  /** Whether a record of ours tells of the jump. Such a jump stays, as the configuration wants iptables. */
  isOurs({ comment, source }: Jump): boolean {
    return source !== undefined && this.#ours.has(`${comment} ${formatIp(source.ip)}`);
  }

  /** The attachment, or the reason why it can't be told. */
  find({ comment = "", chain }: Jump, { ip }: Cidr): Attachment | string {
    const whole = parseComment(comment);
    const name = whole ?? parseCutComment(comment);
    if (name === undefined) return "its comment names no network and container";
    const isIts = (containerId: string): boolean =>
      whole === undefined
        ? containerId.startsWith(name.containerId) && chainOf({ network: name.network, containerId }) === chain
        : containerId === name.containerId;
    const holder = holderOf(name.network, ip);
    if (holder !== undefined && holder.ifname !== "" && isIts(holder.containerId)) return holder;
    const known = this.#cachedOf(name.network, name.containerId, isIts);
    const [only] = known;
    if (only !== undefined && known.length === 1) return only;
    const who = `${name.containerId}${whole === undefined ? "…" : ""} on ${name.network}`;
    return `neither host-local nor a container runtime's record tells which interface of ${who} has ${formatIp(ip)}`;
  }

  /** Attachments by the names of results, which are made of parts that may have a hyphen themselves. */
  #cachedOf(network: string, beginning: string, isIts: (containerId: string) => boolean): Attachment[] {
    this.#cached ??= [...cachedResults()];
    return this.#cached.flatMap((file) => {
      if (!file.startsWith(`${network}-${beginning}`)) return [];
      const rest = file.slice(network.length + 1);
      const hyphens = Array.from(rest.matchAll(/-/g), ({ index }) => index);
      const at = hyphens.find((index) => index + 1 < rest.length && isIts(rest.slice(0, index)));
      return at === undefined ? [] : [{ network, containerId: rest.slice(0, at), ifname: rest.slice(at + 1) }];
    });
  }
}

/**
 * Takes the jumps out, and the chains to which nothing else leads. Returns the jumps that were gone already, because
 * upstream's DEL has come in between. Throws NetlinkError, SyscallError or IptablesError.
 */
export function removeUpstreamJumps(jumps: readonly UpstreamJump[]): UpstreamJump[] {
  const gone: UpstreamJump[] = [];
  for (const table of new Set(jumps.map((jump) => jump.table))) {
    const own = new Map(
      jumps.filter((jump) => jump.table === table).map((jump) => [keyOf(jump.chain, jump.cidr), jump]),
    );
    let missing: UpstreamJump[] = [];
    table.remove((all) => {
      const isWanted = ({ chain, source }: Jump): boolean => source !== undefined && own.has(keyOf(chain, source));
      const wanted = all.filter(isWanted);
      const still = new Set(all.filter((jump) => !isWanted(jump)).map(({ chain }) => chain));
      const there = new Set(
        wanted.flatMap(({ chain, source }) => (source === undefined ? [] : [keyOf(chain, source)])),
      );
      missing = [...own].flatMap(([key, jump]) => (there.has(key) ? [] : [jump]));
      return {
        jumps: wanted,
        chains: [...new Set(wanted.map(({ chain }) => chain))].filter((chain) => !still.has(chain)),
      };
    });
    gone.push(...missing);
  }
  return gone;
}

const keyOf = (chain: string, { ip }: Cidr): string => `${chain} ${formatIp(ip)}`;
