// The node as the checks of `bauta doctor` see it: what several of them need is read once.

import { withNode } from "../../links/namespaces.ts";
import {
  type ConfiguredDirectory,
  type ConfiguredFile,
  listConfigured,
  readConfigured,
} from "../../lists/configured.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { isForWantOfNftables } from "../../owned/commit.ts";
import { type Link, listLinks } from "../../rtnetlink/link.ts";
import { listRoutes, type Route } from "../../rtnetlink/route.ts";
import { hasCode } from "../../sys/error.ts";
import { readSysctl, type SysctlName } from "../../sys/sysctl.ts";
import type { Family, Ip } from "../../wire/ip.ts";
import { takenAddresses } from "./addresses.ts";
import { type Network, networkOf } from "./network.ts";

/** What is looked at, as the checks ask for it. Each may throw SyscallError or NetlinkError. */
export interface Node {
  /** Where network configurations are. */
  readonly confDir: string;
  /** Where plugins' executables are: CNI_PATH. */
  readonly cniPath: string;
  /** The names in confDir; undefined where there is no such directory. */
  readonly directory: () => ConfiguredDirectory | undefined;
  /** The files in confDir that runtimes read. */
  readonly files: () => readonly ConfiguredFile[];
  /** The networks of those that the plugins can take. */
  readonly networks: () => readonly Network[];
  /** The addresses that host-local has given out on a network. */
  readonly taken: (network: Network) => readonly Ip[];
  /** All links of the node. */
  readonly links: () => readonly Link[];
  /** The routes of the table main. */
  readonly routes: (family: Family) => readonly Route[];
  /** A kernel parameter, undefined where this kernel has none of the name. */
  readonly sysctl: (name: SysctlName) => string | undefined;
  /** nf_tables, undefined where this kernel has none. */
  readonly nftables: <T>(use: (nft: Nftables | undefined) => T) => T;
}

/** This node. */
export function thisNode(confDir: string, cniPath: string, openNftables: () => Nftables): Node {
  const directory = once(() => ifThere(() => listConfigured(confDir)));
  const files = once(() => (directory()?.names ?? []).map((name) => readConfigured(`${confDir}/${name}`)));
  const routes = { 4: once(() => routesOf(4)), 6: once(() => routesOf(6)) };
  return {
    confDir,
    cniPath,
    directory,
    files,
    networks: once(() => files().flatMap(({ list, path }) => (list === undefined ? [] : [networkOf(list, path)]))),
    taken: onceEach(takenAddresses),
    links: once(() => withNode((connection) => listLinks(connection))),
    routes: (family) => routes[family](),
    sysctl: readSysctl,
    nftables: (use) => withNftables(openNftables, use),
  };
}

function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

function routesOf(family: Family): Route[] {
  return withNode((connection) => listRoutes(connection, { family }));
}

function withNftables<T>(openNftables: () => Nftables, use: (nft: Nftables | undefined) => T): T {
  let nft: Nftables | undefined;
  try {
    nft = openNftables();
    nft.generation();
  } catch (error) {
    nft?.close();
    nft = undefined;
    if (!isForWantOfNftables(error)) throw error;
  }
  try {
    return use(nft);
  } finally {
    nft?.close();
  }
}

/** Asks once, also where the answer is an error. */
function once<T>(ask: () => T): () => T {
  let answer: { readonly value: T } | { readonly error: unknown } | undefined;
  return () => {
    answer ??= attempt(ask);
    if ("error" in answer) throw answer.error;
    return answer.value;
  };
}

/** The same for each thing that is asked about. */
function onceEach<K, T>(ask: (key: K) => T): (key: K) => T {
  const known = new Map<K, () => T>();
  return (key) => {
    const one = known.get(key) ?? once(() => ask(key));
    known.set(key, one);
    return one();
  };
}

function attempt<T>(ask: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: ask() };
  } catch (error) {
    return { error };
  }
}
