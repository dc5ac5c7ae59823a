// Policies: what becomes of the packets of an address. Each distinct one is a chain, shared by all addresses that have it.

import { TYPE } from "../../nftables/datatype.ts";
import type { Element } from "../../nftables/element.ts";
import type { Expression } from "../../nftables/expression.ts";
import { intervalElements } from "../../nftables/interval.ts";
import { ifnameKey, ipDaddr, isIn, isNotIn, metaL4proto, oifnameIs, oifnameIsNot } from "../../nftables/match.ts";
import type { NatOptions } from "../../nftables/nat-range.ts";
import { daddr, oifname } from "../../nftables/selector.ts";
import { counter, masquerade, returnVerdict, snat } from "../../nftables/statement.ts";
import { NFT_SET } from "../../nftables/uapi.ts";
import { type Cidr, compareIp, type Family, familyOf, networkOf } from "../../wire/ip.ts";
import { hasDestinations, keptDestinations } from "../options/destinations.ts";
import { digestOf, type MasqueradeOptions, PLAIN, sourcesOf } from "../options/options.ts";
import { policyName } from "./policy-name.ts";

/** A set that rules look into. Its name tells its content, so that policies which name the same list share it. */
export interface PolicySet {
  readonly name: string;
  readonly keyType: number;
  readonly keyLength: number;
  /** Of NFT_SET. */
  readonly flags: number;
  readonly elements: readonly Element[];
}

export interface PolicyContents {
  readonly sets: readonly PolicySet[];
  readonly rules: readonly (readonly Expression[])[];
}

export interface Policy {
  /** The chain's name: a letter, then letters, digits and `/ - _ .`, which is what nft can read back; see policy-name.ts. */
  readonly chain: string;
  /** What stands in the chain; made only when it has to be, as lists may be long. Throws CniError for wrong lists. */
  contents(): PolicyContents;
}

/**
 * The policy of an address with this prefix: what leaves its subnet is masqueraded, as the options say. Unless they say
 * otherwise source ports are chosen at random, because the kernel drops packets when two flows race for one port.
 * `excluded` are destinations from the options' file. Policies with the same `lists` share the sets that they look into.
 */
export function policyFor(
  address: Cidr,
  options: MasqueradeOptions = PLAIN,
  excluded: readonly string[] = [],
  lists: DestinationSets = new DestinationSets(),
): Policy {
  const subnet = networkOf(address);
  return {
    chain: policyName(subnet, options.given === undefined ? undefined : options.key),
    contents: () => contentsOf(subnet, options, lists.of(options, familyOf(subnet.ip), excluded)),
  };
}

function contentsOf(subnet: Cidr, options: MasqueradeOptions, destinations: PolicySet | undefined): PolicyContents {
  const family = familyOf(subnet.ip);
  const interfaces = interfaceSet(options.outInterfaces);
  const rules: Expression[][] = [];
  if (options.sameSubnet !== true) rules.push([...ipDaddr(subnet), ...returnVerdict()]);
  for (const name of options.excludeOutInterfaces ?? []) rules.push([...oifnameIs(name), ...returnVerdict()]);
  const [only, ...more] = options.outInterfaces ?? [];
  if (interfaces !== undefined) rules.push([...isNotIn([oifname], interfaces.name), ...returnVerdict()]);
  else if (only !== undefined && more.length === 0) rules.push([...oifnameIsNot(only), ...returnVerdict()]);
  if (destinations !== undefined) rules.push([...isIn([daddr(family)], destinations.name), ...returnVerdict()]);
  rules.push(...translations(options, family));
  return { sets: [interfaces, destinations].filter((set) => set !== undefined), rules };
}

function interfaceSet(names: readonly string[] | undefined): PolicySet | undefined {
  if (names === undefined || names.length < 2) return undefined; // one is compared with more cheaply
  const unique = [...new Set(names)].sort();
  const elements = unique.map((name) => ({ key: ifnameKey(name) }));
  return {
    name: `interfaces-${digestOf(unique.join("/"))}`,
    keyType: TYPE.IFNAME,
    keyLength: 16,
    flags: 0,
    elements,
  };
}

/** The destinations that keep their source; undefined where the options name none. Throws CniError for wrong lists. */
export function destinationSet(
  options: MasqueradeOptions,
  family: Family,
  excluded: readonly string[],
): PolicySet | undefined {
  if (!hasDestinations(options)) return undefined;
  return {
    name: destinationSetName(options),
    keyType: family === 4 ? TYPE.IPADDR : TYPE.IP6ADDR,
    keyLength: family === 4 ? 4 : 16,
    flags: NFT_SET.INTERVAL,
    elements: intervalElements(keptDestinations(options, family, excluded)),
  };
}

/** The name of that set, in both families. */
export function destinationSetName({ listKey }: Pick<MasqueradeOptions, "listKey">): string {
  return `kept-${listKey}`;
}

/** The sets of destinations that one piece of work needs: many policies have the same lists, and each list is read once. */
export class DestinationSets {
  readonly #known = new Map<string, PolicySet | undefined>();

  /** See destinationSet; the first `excluded` of a list counts. */
  of(options: MasqueradeOptions, family: Family, excluded: readonly string[]): PolicySet | undefined {
    const key = `${family} ${options.listKey}`;
    if (!this.#known.has(key)) this.#known.set(key, destinationSet(options, family, excluded));
    return this.#known.get(key);
  }
}

// include/uapi/linux/in.h: the protocols with ports that the kernel translates.
const WITH_PORTS = [6, 17, 132]; // TCP, UDP, SCTP

/** The rules that end a policy: what is left is translated. */
function translations(options: MasqueradeOptions, family: Family): Expression[][] {
  const range = sourcesOf(options, family);
  const how: NatOptions = {
    random: options.random === "random",
    fullyRandom: options.random === undefined || options.random === "fully",
    persistent: range !== undefined && options.to?.persistent === true,
  };
  const translate = (ports?: NatOptions["ports"]): Expression[] => {
    if (range === undefined) return [...counter(), ...masquerade({ ...how, ports })];
    const last = compareIp(range.first, range.last) === 0 ? undefined : range.last;
    return [...counter(), ...snat({ ...how, first: range.first, last, ports })];
  };
  const { ports } = options;
  if (ports === undefined) return [translate()];
  return [...WITH_PORTS.map((protocol) => [...metaL4proto(protocol), ...translate(ports)]), translate()];
}
