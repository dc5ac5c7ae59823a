// "ipMasq" and "ipMasqBackend" of a configuration: what they ask for, by whichever back end.

import { type Attachment, attachmentOf, validAttachments } from "../cni/attachment.ts";
import type { Invocation } from "../cni/plugin.ts";
import { boolean, object, oneOf, type Schema, withDefault } from "../cni/schema.ts";
import { orLog, runAll, type Undo } from "../cni/undo.ts";
import { iptablesMissing } from "../iptables/program.ts";
import type { Keep } from "../owned/commit.ts";
import { type Cidr, parseCidr } from "../wire/ip.ts";
import { collectIptables, iptablesFaults, setUpIptables, tearDownIptables } from "./iptables/iptables.ts";
import { hasIptablesRecord } from "./iptables/records.ts";
import {
  checkMasquerade,
  collectMasquerade,
  MasqueradeError,
  masqueradeUnavailable,
  setUpMasquerade,
  tearDownMasquerade,
} from "./nftables/nftables.ts";
import { hasRecord } from "./nftables/records.ts";
import { optionsOf } from "./options/options.ts";

export type Backend = "nftables" | "iptables";

/** The key "ipMasqBackend". */
export const backendKey: Schema<Backend> = withDefault(
  oneOf(["nftables", "iptables"], "how to masquerade"),
  "nftables",
);

const ipMasqSchema = object({ ipMasq: withDefault(boolean(), false) });

/**
 * The back end of a configuration that asks for masquerade, for DEL and GC: a wrong value is no reason for those to refuse.
 * Throws CniError 6 for a wrong type.
 */
export function backendOf({ config }: Invocation): Backend | undefined {
  const { ipMasq } = ipMasqSchema.read(config.raw, "");
  if (!ipMasq) return undefined;
  return config.raw["ipMasqBackend"] === "iptables" ? "iptables" : "nftables";
}

/**
 * Why the configuration can't be meant so: the options are for nf_tables. Undefined where nothing is wrong. Throws CniError
 * where an option is wrong in itself, so that an ADD is refused before it has done anything, and STATUS knows, too.
 */
export function backendProblem(backend: Backend, { config }: Invocation): string | undefined {
  const hasOptions = optionsOf(config.raw).given !== undefined;
  if (backend === "nftables" || !hasOptions) return undefined;
  return 'ipMasqOptions: the options need ipMasqBackend "nftables"';
}

/** Masquerades what the container sends beyond its subnets. Throws CniError, NetlinkError, SyscallError or IptablesError. */
export function beginMasquerade(
  invocation: Invocation,
  backend: Backend,
  addresses: readonly Cidr[],
  undo: Undo,
): void {
  const attachment = attachmentOf(invocation);
  if (backend === "iptables") {
    undo.defer(() => tearDownIptables(attachment, addresses));
    setUpIptables(attachment, addresses, invocation.netns);
  } else {
    undo.defer(() => tearDownMasquerade(attachment, addresses));
    setUpMasquerade(attachment, addresses, optionsOf(invocation.config.raw), invocation.netns);
  }
}

/**
 * CHECK, of the back end that the attachment was made with, or has moved to since (`bauta adopt`), whatever the configuration
 * says by now. Throws MasqueradeError, which names all that is missing or altered.
 */
export function checkIpMasq(invocation: Invocation, wanted: Backend, addresses: readonly Cidr[]): void {
  const attachment = attachmentOf(invocation);
  if (backendInForce(attachment, wanted) === "nftables") {
    checkMasquerade(attachment, addresses, optionsOf(invocation.config.raw));
    return;
  }
  const faults = iptablesFaults(attachment, addresses);
  if (faults.length === 0) return;
  const { containerId, ifname, network } = attachment;
  throw new MasqueradeError(
    `IP masquerade of ${containerId} ${ifname} on ${network}: ${faults.join("; ")}; \`bauta restore\` puts it back`,
  );
}

/** By the records; where there is none, by the configuration: upstream's plugin has made it then, or somebody swept /run. */
function backendInForce(attachment: Attachment, wanted: Backend): Backend {
  if (wanted === "iptables") return hasRecord(attachment) ? "nftables" : "iptables";
  return !hasRecord(attachment) && hasIptablesRecord(attachment) ? "iptables" : "nftables";
}

/**
 * DEL: ends the attachment's masquerade by either back end, whatever the configuration says by now: it may have changed while
 * the container ran. What a back end that it doesn't want can't end is only logged: the node may not have it at all.
 */
export function endMasquerade(invocation: Invocation, wanted: Backend | undefined, keep: Keep): void {
  const { prevResult } = invocation;
  const attachment = attachmentOf(invocation);
  const known = (prevResult?.ips ?? []).flatMap(({ address }) => parseCidr(address) ?? []);
  const end = (): void => tearDownMasquerade(attachment, wanted === undefined ? [] : known, keep);
  // In the direction in which `bauta adopt` moves it: what has left iptables by now is in nf_tables already.
  runAll([
    () => orLog(invocation, IPTABLES, wanted === "iptables", () => tearDownIptables(attachment, known, keep)),
    () => orLog(invocation, "masquerade", wanted === "nftables", end),
  ]);
}

/** GC: ends the masquerade of attachments that aren't valid any more; see endMasquerade. */
export function collectStaleMasquerade(invocation: Invocation, wanted: Backend | undefined): void {
  const { name } = invocation.config;
  const valid = validAttachments(invocation);
  runAll([
    () => orLog(invocation, "masquerade", wanted === "nftables", () => collectMasquerade(name, valid)),
    () => orLog(invocation, IPTABLES, wanted === "iptables", () => collectIptables(name, valid)),
  ]);
}

const IPTABLES = "masquerade by iptables";

/** Why this node cannot masquerade now, or undefined when it can. */
export function ipMasqUnavailable(backend: Backend): string | undefined {
  return backend === "iptables" ? iptablesMissing() : masqueradeUnavailable();
}
