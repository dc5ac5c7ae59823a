// The configuration of host-local: the `ipam` section and the addresses and ranges that come from the runtime.

import { parseArgs } from "../cni/args.ts";
import type { NetworkConfig } from "../cni/config.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { cidr, path } from "../cni/fields.ts";
import { excerpt } from "../cni/json.ts";
import { type Route, routeSchema } from "../cni/result.ts";
import { array, object, optional, type Schema, text, withDefault } from "../cni/schema.ts";
import { isAtLeast } from "../cni/versions.ts";
import { type Cidr, familyOf, type Ip, parseCidr, parseIp } from "../wire/ip.ts";
import type { IpamCall } from "./ipam.ts";
import { checkDisjoint, completeSet, type RangeConfig, type RangeSet, rangeFields, rangeSchema } from "./range.ts";

const DEFAULT_DATA_DIR = "/var/lib/cni/networks";

export interface HostLocalConfig {
  /** That of the network's store. */
  readonly directory: string;
  /** At least one; the index is that of `last_reserved_ip.N`. */
  readonly sets: readonly RangeSet[];
  readonly routes: readonly Route[];
  /** A file in the form of resolv.conf, or "" */
  readonly resolvConf: string;
  readonly requested: readonly Ip[];
}

/** The `ipam` section as it is written. */
export interface HostLocalSection {
  readonly ranges: readonly (readonly RangeConfig[])[];
  readonly routes: readonly Route[];
  readonly dataDir: string;
  readonly resolvConf: string;
  readonly subnet: Cidr | undefined;
  readonly rangeStart: Ip | undefined;
  readonly rangeEnd: Ip | undefined;
  readonly gateway: Ip | undefined;
}

const dataDirField = withDefault(path("directory in which addresses are noted"), DEFAULT_DATA_DIR);

export const hostLocalSchema: Schema<HostLocalSection> = object({
  ranges: withDefault(array(array(rangeSchema), "range sets: the container gets an address of each"), []),
  routes: withDefault(array(routeSchema, "routes for the container"), []),
  dataDir: dataDirField,
  resolvConf: withDefault(path("a file in the form of resolv.conf, for the result's dns"), ""),
  subnet: optional(cidr("a range set of one range, before those of `ranges`")),
  ...rangeFields,
});

const directorySchema = object({ dataDir: dataDirField });
const parseRequested = (given: string): Ip | undefined => parseIp(given) ?? parseCidr(given)?.ip;
const requestedIps = withDefault(array(text("an IP address", parseRequested)), []);
/** What the runtime says, in the whole configuration: requested addresses as in requested-ips.ts, and ranges. */
const runtimeSchema = object({
  args: optional(object({ cni: optional(object({ ips: requestedIps })) })),
  runtimeConfig: optional(object({ ips: requestedIps, ipRanges: withDefault(array(array(rangeSchema)), []) })),
});

/** The directory of the network's store. All that DEL and GC need: they work whatever else is wrong. Throws CniError. */
export function storeDirectory(config: NetworkConfig): string {
  return directoryOf(directorySchema.read(sectionOf(config), "ipam").dataDir, config);
}

function directoryOf(dataDir: string, { name }: NetworkConfig): string {
  return `${dataDir.endsWith("/") ? dataDir.replace(/\/+$/, "") : dataDir}/${name}`;
}

function sectionOf({ ipam }: NetworkConfig): NonNullable<NetworkConfig["ipam"]> {
  if (ipam !== undefined) return ipam;
  throw new CniError(CNI_CODE.INVALID_CONFIG, "ipam is missing: it says which addresses to give out");
}

/** Reads and checks everything. Throws CniError. */
export function readHostLocalConfig({ config, args }: Pick<IpamCall, "config" | "args">): HostLocalConfig {
  const section = hostLocalSchema.read(sectionOf(config), "ipam");
  const runtime = runtimeSchema.read(config.raw, "");
  const sets = completeSets(gatherSets(section, runtime.runtimeConfig?.ipRanges ?? []));
  checkFamilies(sets, config);
  const asked = requestedByArgs(args);
  return {
    directory: directoryOf(section.dataDir, config),
    sets,
    routes: section.routes,
    resolvConf: section.resolvConf,
    requested: [...asked, ...(runtime.args?.cni?.ips ?? []), ...(runtime.runtimeConfig?.ips ?? [])],
  };
}

interface NamedSet {
  readonly at: string;
  readonly ranges: readonly RangeConfig[];
  readonly paths: readonly string[];
}

/** The sets in the order of their numbers: from the runtime, the one at the top of the section, then `ranges`. */
function gatherSets(section: HostLocalSection, ipRanges: readonly (readonly RangeConfig[])[]): NamedSet[] {
  const named = (ranges: readonly RangeConfig[], at: string): NamedSet => {
    return { at, ranges, paths: ranges.map((_, i) => `${at}[${i}]`) };
  };
  const sets = ipRanges.map((ranges, i) => named(ranges, `runtimeConfig.ipRanges[${i}]`));
  const { subnet, rangeStart, rangeEnd, gateway } = section;
  // The keys beside `subnet` mean nothing without it.
  if (subnet !== undefined) {
    sets.push({ at: "ipam", ranges: [{ subnet, rangeStart, rangeEnd, gateway }], paths: ["ipam"] });
  }
  return sets.concat(section.ranges.map((ranges, i) => named(ranges, `ipam.ranges[${i}]`)));
}

function completeSets(named: readonly NamedSet[]): readonly RangeSet[] {
  if (named.length === 0) {
    throw new CniError(CNI_CODE.INVALID_CONFIG, "ipam: no IP ranges specified", "ipam.ranges says which there are");
  }
  const sets = named.map(({ at, ranges, paths }) => completeSet(ranges, at, paths));
  checkDisjoint(
    sets,
    named.map(({ at }) => at),
  );
  return sets;
}

function checkFamilies(sets: readonly RangeSet[], { cniVersion }: NetworkConfig): void {
  if (isAtLeast(cniVersion, "0.3.0")) return;
  const families = sets.flatMap(([first]) => (first === undefined ? [] : [familyOf(first.start)]));
  if (new Set(families).size === families.length) return;
  const problem = `CNI version ${cniVersion} does not support more than 1 address per family`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, `ipam.ranges: ${problem}`, "use cniVersion 0.3.0 or later");
}

/** The address that CNI_ARGS name. It may carry a prefix length, which tells nothing here: the subnet does. */
function requestedByArgs(args: string): readonly Ip[] {
  const { IP: wanted = "" } = parseArgs(args, ["IP"]);
  if (wanted === "") return [];
  const ip = parseRequested(wanted);
  if (ip !== undefined) return [ip];
  throw new CniError(CNI_CODE.INVALID_ENVIRONMENT, `CNI_ARGS: IP ${excerpt(wanted)} is not an IP address`);
}
