// The keys of portmap, and what they ask for together.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { ip } from "../../cni/fields.ts";
import { excerpt } from "../../cni/json.ts";
import type { Invocation } from "../../cni/plugin.ts";
import {
  array,
  boolean,
  emptyIsAbsent,
  type Infer,
  integer,
  object,
  oneOf,
  optional,
  string,
  text,
  withDefault,
} from "../../cni/schema.ts";
import { compileConditions } from "../../portmap/conditions.ts";
import {
  type Conditions,
  hostAddress,
  hostText,
  isOfFamily,
  type PortMapping,
  PROTOCOL_NAMES,
  type Protocol,
} from "../../portmap/mapping.ts";
import { FAMILIES, formatIp } from "../../wire/ip.ts";
import { flag } from "../keys.ts";

const PORT_MAX = 65535;

const mapping = object({
  hostPort: integer(1, PORT_MAX, "port of the node"),
  containerPort: integer(1, PORT_MAX, "port of the container"),
  protocol: text(`one of ${PROTOCOL_NAMES.join(", ")}`, parseProtocol, "in capitals or not"),
  hostIP: optional(ip("address of the node; absent: any, 0.0.0.0: any of IPv4, ::: any of IPv6")),
});

function parseProtocol(name: string): Protocol | undefined {
  return PROTOCOL_NAMES.find((known) => known === name.toLowerCase());
}

const conditions = (family: string) =>
  withDefault(
    array(string(), `what packets of ${family} must meet, in words of nft(8), or of iptables(8) with a leading - or !`),
    [],
  );

/** The plugin's own keys, for reading and for its JSON Schema. */
export const portmapSchema = object({
  backend: optional(
    emptyIsAbsent(oneOf(["nftables", "iptables"], "how: nftables, unless other keys are in terms of iptables")),
  ),
  snat: withDefault(boolean("translate the source where answers would not come back otherwise"), true),
  masqAll: flag("translate the source of all that comes in through published ports"),
  markMasqBit: optional(integer(0, 31, "iptables: bit of the mark on packets to masquerade; 13 where absent")),
  externalSetMarkChain: optional(
    emptyIsAbsent(string("iptables: chain that marks packets to masquerade, in the place of our own")),
  ),
  conditionsV4: conditions("IPv4"),
  conditionsV6: conditions("IPv6"),
  hostPortConflict: withDefault(
    oneOf(["error", "older-wins"], "what becomes of an ADD with a port that another attachment has"),
    "error",
  ),
  runtimeConfig: withDefault(
    object({ portMappings: withDefault(array(mapping, "from the runtime: the ports to publish"), []) }),
    { portMappings: [] },
  ),
});

type Keys = Infer<typeof portmapSchema>;

export type BackendName = "nftables" | "iptables";

export interface PortmapConfig {
  readonly backend: BackendName;
  readonly mappings: readonly PortMapping[];
  readonly snat: boolean;
  readonly masqAll: boolean;
  readonly conditions: Conditions;
  readonly olderWins: boolean;
  /** Bit of the mark, for iptables. */
  readonly markBit: number;
  readonly externalSetMarkChain: string | undefined;
}

/** As upstream: Kubernetes has 14 and 15, Calico those from 20 on. */
const MARK_BIT = 13;

/** Reads the configuration for ADD, CHECK and STATUS. Throws CniError 6 for a wrong type, 7 for a wrong value. */
export function readPortmapConfig({ config }: Invocation): PortmapConfig {
  const keys = portmapSchema.read(config.raw, "");
  const { externalSetMarkChain, markMasqBit, hostPortConflict } = keys;
  if (externalSetMarkChain !== undefined && markMasqBit !== undefined) {
    throw invalid("externalSetMarkChain and markMasqBit exclude each other: the chain says which mark it sets");
  }
  const backend = backendOf(keys);
  const given: Conditions = { v4: keys.conditionsV4, v6: keys.conditionsV6 };
  if (backend === "nftables")
    for (const family of backend === "nftables" ? FAMILIES : [])
      compileConditions(family, family === 4 ? given.v4 : given.v6);
  const olderWins = hostPortConflict === "older-wins";
  return {
    backend,
    mappings: mappingsOf(keys, olderWins),
    snat: keys.snat,
    masqAll: keys.masqAll,
    conditions: given,
    olderWins,
    markBit: markMasqBit ?? MARK_BIT,
    externalSetMarkChain,
  };
}

/** Keys in terms of either back end decide where "backend" does not, and must agree with it where it does. */
function backendOf(keys: Keys): BackendName {
  const languages = [
    ["conditionsV4", languageOf(keys.conditionsV4)],
    ["conditionsV6", languageOf(keys.conditionsV6)],
    ["externalSetMarkChain", keys.externalSetMarkChain === undefined ? undefined : "iptables"],
  ] as const;
  const spoken = (backend: BackendName): string[] =>
    languages.flatMap(([key, language]) => (language === backend ? [key] : []));
  const [iptables, nftables] = [spoken("iptables"), spoken("nftables")];
  const { backend = iptables.length > 0 ? "iptables" : "nftables" } = keys;
  const foreign = backend === "nftables" ? iptables : nftables;
  if (foreign.length === 0) return backend;
  const why = keys.backend === undefined ? "other keys are" : `backend is ${JSON.stringify(keys.backend)}`;
  const other = backend === "nftables" ? "iptables" : "nftables";
  throw invalid(
    `${foreign.join(" and ")}: written for ${other}, while ${why}${keys.backend === undefined ? ` for ${backend}` : ""}`,
  );
}

function languageOf([first]: readonly string[]): BackendName | undefined {
  if (first === undefined) return undefined;
  return /^[-!]/.test(first) ? "iptables" : "nftables";
}

function mappingsOf({ runtimeConfig }: Keys, olderWins: boolean): PortMapping[] {
  const mappings = runtimeConfig.portMappings.map(({ hostIP, hostPort, containerPort, protocol }): PortMapping => {
    const own = { hostPort, containerPort, protocol };
    return hostIP === undefined ? own : { ...own, hostIp: hostIP };
  });
  if (!olderWins) requireOneTarget(mappings);
  return mappings;
}

/** The same port of the node cannot lead to two ports of the container. */
function requireOneTarget(mappings: readonly PortMapping[]): void {
  const targets = new Map<string, number>();
  for (const [i, one] of mappings.entries()) {
    const address = hostAddress(one);
    for (const family of FAMILIES.filter((each) => isOfFamily(one, each))) {
      const key = `${address === undefined ? family : formatIp(address)} ${one.hostPort} ${one.protocol}`;
      const before = targets.get(key) ?? one.containerPort;
      targets.set(key, before);
      if (before === one.containerPort) continue;
      const at = `runtimeConfig.portMappings[${i}].containerPort`;
      throw invalid(
        `${at}: ${excerpt(one.containerPort)} is not ${before}, where ${hostText(one)}/${one.protocol} leads already`,
      );
    }
  }
}

function invalid(problem: string): CniError {
  return new CniError(CNI_CODE.INVALID_CONFIG, problem);
}
