// `bauta adopt`: containers that containernetworking/plugins' firewall has let through, and the isolation of their bridges. No rule
// of upstream's names an attachment; the results that runtimes keep tell whose an address is, and by which configuration.

import { toByteArray as fromBase64 } from "base64-js";
import type { Attachment } from "../cni/attachment.ts";
import { CniError } from "../cni/error.ts";
import type { JsonObject } from "../cni/json.ts";
import { parseResult } from "../cni/result.ts";
import { servedName } from "../cni/served-name.ts";
import { IptablesError } from "../iptables/program.ts";
import type { Nftables } from "../nftables/nftables.ts";
import type { Adoption } from "../owned/feature.ts";
import { CACHES, resultsOf } from "../owned/runtime-files.ts";
import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { readDirectory } from "../sys/file.ts";
import { OddEntryError, readRegularText } from "../sys/regular-file.ts";
import { formatIp } from "../wire/ip.ts";
import { firewallSchema, protectionOf } from "./config.ts";
import { beginProtection } from "./firewall.ts";
import { dismissFromIptables } from "./passage/iptables.ts";
import { admittedByUpstream, relaxIsolation } from "./passage/isolation.ts";
import type { Isolation } from "./passage/isolation-rules.ts";
import { planPassage } from "./passage/passage.ts";
import { records } from "./records.ts";
import type { Protection } from "./wanted.ts";

/** An attachment by the result that its runtime keeps. */
interface Kept {
  readonly attachment: Attachment;
  readonly netns: string | undefined;
  readonly protection: Protection;
}

/**
 * Puts the attachments that upstream's rules are about into our tables, and then takes out the rules that it no longer takes. With
 * `isDryRun` it only tells. Throws NetlinkError, SyscallError or DBusError.
 */
export function adoptProtections(nft: Nftables, isDryRun: boolean): Adoption {
  try {
    return adoptAll(nft, isDryRun);
  } catch (error) {
    if (!(error instanceof IptablesError)) throw error;
    return { adopted: [], problems: [], left: [`the rules of upstream's firewall stay: ${error.message}`] };
  }
}

function adoptAll(nft: Nftables, isDryRun: boolean): Adoption {
  const admitted = admittedByUpstream(nft);
  if (admitted.addresses.size + admitted.bridges.size === 0) return { adopted: [], left: [], problems: [] };
  const left: string[] = [];
  const kept = readKept((phrase) => left.push(phrase)).filter(({ attachment, protection }) => {
    const { addresses, bridge } = protection;
    const isUpstreams =
      addresses.some((ip) => admitted.addresses.has(formatIp(ip))) ||
      (bridge !== undefined && admitted.bridges.has(bridge));
    return isUpstreams && records.read(attachment) === undefined;
  });
  for (const { attachment, netns, protection } of isDryRun ? [] : kept) {
    beginProtection(attachment, protection, (line) => left.push(line), netns);
    if (planPassage(nft, [protection]).iptables.size === 0) dismissFromIptables(nft, protection.addresses);
  }
  const known = new Set(kept.flatMap(({ protection }) => protection.addresses.map(formatIp)));
  const isOurs = new Set(records.listLive().flatMap(({ record }) => record.addresses.map(formatIp)));
  for (const address of admitted.addresses)
    if (!known.has(address) && !isOurs.has(address)) {
      left.push(`the rules of iptables for ${address} stay: no container runtime's record tells whose they are`);
    }
  if (!isDryRun) relaxIsolation(nft, bridgesOf(kept));
  const adopted = kept.map(({ attachment, protection }) => {
    return { attachment, addresses: protection.addresses.map(formatIp) };
  });
  return { adopted, left, problems: [] };
}

/** The bridges that our own tables isolate alone from now on. */
function bridgesOf(kept: readonly Kept[]): Isolation[] {
  const byIptables = new Set(
    kept.flatMap(({ protection: { backend, bridge } }) => (backend === "iptables" ? bridge : [])),
  );
  const bridges = new Set(kept.flatMap(({ protection: { bridge } }) => bridge ?? []));
  return [...bridges].filter((bridge) => !byIptables.has(bridge)).map((bridge) => ({ bridge, policies: [] }));
}

/** Longer than a list, a result and what a runtime says in its arguments. */
const FILE_LIMIT = 1 << 20;

/** The attachments whose network has the firewall plugin, by the files of libcni (libcni/api.go, cachedInfo). */
function readKept(tell: (phrase: string) => void): Kept[] {
  const directories = CACHES.map(resultsOf);
  return directories
    .flatMap((one) => namesIn(one).map((name) => `${one}/${name}`))
    .flatMap((path) => {
      try {
        return keptIn(JSON.parse(readRegularText(path, FILE_LIMIT)));
      } catch (error) {
        const isOdd = error instanceof SyntaxError || error instanceof OddEntryError;
        if (!isOdd && !(error instanceof CniError) && !hasCode(error, "ENOENT")) throw error;
        tell(`${path}: ${error instanceof Error ? error.message : ""}`);
        return [];
      }
    });
}

function namesIn(directory: string): string[] {
  try {
    return readDirectory(directory, "files");
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

function keptIn(json: unknown): Kept[] {
  if (typeof json !== "object" || json === null) return [];
  const { networkName: network, containerId, ifName: ifname, config, result, netns } = json as Record<string, unknown>;
  const isNamed = typeof network === "string" && typeof containerId === "string" && typeof ifname === "string";
  if (!isNamed || typeof config !== "string" || typeof result !== "object" || result === null) return [];
  const list: unknown = JSON.parse(engine.decode(fromBase64(config)));
  const plugins = typeof list === "object" && list !== null && "plugins" in list ? list.plugins : undefined;
  const own = Array.isArray(plugins) ? plugins.find(isFirewall) : undefined;
  if (own === undefined) return [];
  const protection = protectionOf(firewallSchema.read(own, ""), parseResult(result as JsonObject, "1.1.0", "result"));
  return [
    { attachment: { network, containerId, ifname }, netns: typeof netns === "string" ? netns : undefined, protection },
  ];
}

function isFirewall(plugin: unknown): plugin is JsonObject {
  if (typeof plugin !== "object" || plugin === null || !("type" in plugin)) return false;
  return typeof plugin.type === "string" && servedName(plugin.type, (name) => name === "firewall") !== undefined;
}
