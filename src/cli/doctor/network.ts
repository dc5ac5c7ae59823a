// A network of the node's configuration, as far as the checks need to know it.

import { CniError } from "../../cni/error.ts";
import { readHostLocalConfig } from "../../ipam/host-local-config.ts";
import type { RangeSet } from "../../ipam/range.ts";
import { readStaticConfig } from "../../ipam/static-config.ts";
import { pluginNamed } from "../../lists/call.ts";
import { invocationFor } from "../../lists/file-faults.ts";
import type { ListedPlugin, NetworkList } from "../../lists/list.ts";
import { type Cidr, type Family, familyOf } from "../../wire/ip.ts";

export interface Network {
  readonly name: string;
  /** The file that it is configured in. */
  readonly file: string;
  readonly list: NetworkList;
  /** The plugin that makes the interface, by the name that we have for it; undefined where it is none of ours. */
  readonly kind: string | undefined;
  /** The bridge of the node that the containers hang on. */
  readonly bridge: string | undefined;
  /** Whether the node forwards what the containers send. */
  readonly isRouted: boolean;
  /** The sets of host-local's ranges, and where host-local notes what is taken of them. */
  readonly sets: readonly RangeSet[];
  readonly store: string | undefined;
  /** The subnets of its addresses, as far as the configuration tells. */
  readonly subnets: readonly Cidr[];
  readonly families: ReadonlySet<Family>;
}

/** What is known of the network; its list is one that the plugins can take. */
export function networkOf(list: NetworkList, file: string): Network {
  const main = list.plugins.find((plugin) => pluginNamed(plugin.type)?.kind === "interface");
  const kind = main === undefined ? undefined : pluginNamed(main.type)?.name;
  const { sets, store } = rangesOf(list, main);
  const subnets = sets.flatMap((set) => set.map(({ subnet }) => subnet)).concat(staticSubnets(list, main));
  return {
    name: list.name,
    file,
    list,
    kind,
    bridge: kind === "bridge" ? bridgeOf(main) : undefined,
    isRouted: kind === "ptp" || kind === "bridge",
    sets,
    store,
    subnets,
    families: new Set(subnets.map(({ ip }) => familyOf(ip))),
  };
}

function bridgeOf(main: ListedPlugin | undefined): string {
  const value = main?.config["bridge"];
  return typeof value === "string" && value !== "" ? value : "cni0";
}

function rangesOf(list: NetworkList, main: ListedPlugin | undefined): Pick<Network, "sets" | "store"> {
  if (ipamOf(list, main) !== "host-local" || main === undefined) return NO_RANGES;
  return orNothing(NO_RANGES, () => {
    const { sets, directory } = readHostLocalConfig(invocationFor(list, main, ""));
    return { sets, store: directory };
  });
}

const NO_RANGES: Pick<Network, "sets" | "store"> = { sets: [], store: undefined };

function staticSubnets(list: NetworkList, main: ListedPlugin | undefined): readonly Cidr[] {
  if (ipamOf(list, main) !== "static" || main === undefined) return [];
  return orNothing([], () => readStaticConfig(invocationFor(list, main, "")).ips);
}

function ipamOf(list: NetworkList, main: ListedPlugin | undefined): string | undefined {
  return main === undefined ? undefined : pluginNamed(invocationFor(list, main, "").config.ipamType)?.name;
}

/** Where the runtime is to bring what is missing, nothing is known. */
function orNothing<T>(nothing: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CniError) return nothing;
    throw error;
  }
}
