// The configuration of static: addresses as they are to be, from the `ipam` section or, instead, from the runtime.

import { parseArgs } from "../cni/args.ts";
import type { NetworkConfig } from "../cni/config.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { cidr, ip } from "../cni/fields.ts";
import { excerpt } from "../cni/json.ts";
import { type Dns, dnsSchema, type IpConfig, type Route, routeSchema } from "../cni/result.ts";
import { array, judgedLater, object, optional, type Schema, withDefault } from "../cni/schema.ts";
import { isAtLeast } from "../cni/versions.ts";
import { type Cidr, contains, familyOf, formatCidr, formatIp, type Ip, parseCidr, parseIp } from "../wire/ip.ts";
import type { IpamCall } from "./ipam.ts";
import { readRequestedIps, requestedIpsSchema } from "./requested-ips.ts";

export interface StaticConfig {
  readonly ips: readonly IpConfig[];
  readonly routes: readonly Route[];
  readonly dns: Dns;
}

/** An address of the section: a placeholder where the runtime is to bring another in its place, so nothing is judged yet. */
interface Entry {
  readonly address: (() => Cidr) | undefined;
  readonly gateway: (() => Ip) | undefined;
}

interface Section extends Omit<StaticConfig, "ips"> {
  readonly addresses: readonly Entry[];
}

const entrySchema: Schema<Entry> = object({
  address: optional(judgedLater(cidr("address and prefix length; anything where the runtime brings the addresses"))),
  gateway: optional(judgedLater(ip("the address's gateway"))),
});

export const staticSchema: Schema<Section> = object({
  addresses: withDefault(array(entrySchema, "addresses that the container gets"), []),
  routes: withDefault(array(routeSchema, "routes for the container"), []),
  dns: withDefault(dnsSchema, {}),
});

const requestedSchema = requestedIpsSchema(judgedLater(cidr()));

/**
 * Reads the configuration and checks all of it that counts. The addresses of CNI_ARGS come after those of the section; those of
 * `args`, and before all those of the `ips` capability, come instead of any other. What is replaced is not judged. Throws
 * CniError.
 */
export function readStaticConfig({ config, args }: IpamCall): StaticConfig {
  const { addresses, routes, dns } = readSection(config);
  const fromArgs = readArgs(args);
  const asked = readRequestedIps(config.raw, requestedSchema);
  const instead = asked.runtimeConfig.length > 0 ? asked.runtimeConfig : asked.args;
  const ips = instead.length > 0 ? instead.map((read) => read()) : [...addresses.map(judge), ...fromArgs()];
  checkFamilies(ips, config);
  return { ips, routes, dns };
}

/** For STATUS, which is not told what the runtime will bring: throws CniError where no ADD can be served. */
export function checkStaticConfig({ config, args }: IpamCall): void {
  readSection(config);
  readArgs(args)();
}

function readSection(config: NetworkConfig): Section {
  if (config.ipam !== undefined) return staticSchema.read(config.ipam, "ipam");
  throw new CniError(CNI_CODE.INVALID_CONFIG, "ipam is missing: it says which addresses there are");
}

function judge(entry: Entry, i: number): IpConfig {
  if (entry.address === undefined) {
    throw new CniError(
      CNI_CODE.INVALID_CONFIG,
      `ipam.addresses[${i}].address is missing`,
      'an address with its prefix length, unless the runtime brings the addresses (capability "ips", args.cni.ips)',
    );
  }
  const [address, gateway] = [entry.address(), entry.gateway?.()];
  if (gateway === undefined || familyOf(gateway) === familyOf(address.ip)) return { ...address, gateway };
  const [is, family] = [familyOf(gateway), familyOf(address.ip)];
  const problem = `${formatIp(gateway)} is IPv${is}, and address ${formatCidr(address)} is IPv${family}`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, `ipam.addresses[${i}].gateway: ${problem}`);
}

/** `IP=10.22.0.5/16,fd00::5/64;GATEWAY=10.22.0.1`: each gateway is that of the addresses here whose prefix it is in. The values are judged when they are asked for. */
function readArgs(args: string): () => readonly IpConfig[] {
  const { IP: ips = "", GATEWAY: gateways = "" } = parseArgs(args, ["IP", "GATEWAY"]);
  return () => {
    const known = parseList("GATEWAY", gateways, "an IP address", parseIp);
    return parseList("IP", ips, "an address in CIDR notation", parseCidr).map((address) => ({
      ...address,
      gateway: known.findLast((gateway) => contains(address, gateway)),
    }));
  };
}

function parseList<T>(key: string, list: string, noun: string, parse: (text: string) => T | undefined): readonly T[] {
  if (list === "") return [];
  return list.split(",").map((item) => {
    const value = parse(item.trim());
    if (value !== undefined) return value;
    throw new CniError(CNI_CODE.INVALID_ENVIRONMENT, `CNI_ARGS: ${key} ${excerpt(item.trim())} is not ${noun}`);
  });
}

function checkFamilies(ips: readonly IpConfig[], { cniVersion }: NetworkConfig): void {
  const families = ips.map(({ ip: address }) => familyOf(address));
  if (isAtLeast(cniVersion, "0.3.0") || new Set(families).size === families.length) return;
  const problem = `CNI version ${cniVersion} does not support more than 1 address per family`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, `ipam.addresses: ${problem}`, "use cniVersion 0.3.0 or later");
}
