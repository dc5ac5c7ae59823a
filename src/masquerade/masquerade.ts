// IP masquerade: the one door for plugins. "ipMasq" and "ipMasqBackend" of a configuration, by whichever back end.

import type { Attachment } from "../cni/attachment.ts";
import { attachmentOf, validAttachments } from "../cni/attachment.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Invocation } from "../cni/plugin.ts";
import { boolean, judgedLater, object, oneOf, type Schema, withDefault } from "../cni/schema.ts";
import { orLog, runAll, type Undo } from "../cni/undo.ts";
import type { Keep } from "../owned/commit.ts";
import type { TryOut } from "../owned/tried-out.ts";
import type { Cidr } from "../wire/ip.ts";
import type { Backend, BackendName } from "./backend.ts";
import { REMEDY, requireNoFaults } from "./faults.ts";
import { iptables } from "./iptables/backend.ts";
import { nftables } from "./nftables/backend.ts";
import { records } from "./nftables/records.ts";
import { type MasqueradeOptions, optionsOf } from "./options/options.ts";
import { findUpstream } from "./upstream/check.ts";

export type { BackendName } from "./backend.ts";

const BACKENDS: Readonly<Record<BackendName, Backend>> = { nftables, iptables };

/** The key "ipMasqBackend", judged where "ipMasq" is on: see masqueradeFor. */
export const backendKey: Schema<() => BackendName> = withDefault(
  judgedLater(oneOf(["nftables", "iptables"], "how to masquerade: nftables, which is the default, or iptables")),
  () => "nftables",
);

const ipMasqSchema = object({ ipMasq: withDefault(boolean(), false) });

/**
 * The back end of a configuration that asks for masquerade, for DEL and GC: a wrong value is no reason for those to refuse.
 * Throws CniError 6 for a wrong type.
 */
export function backendOf({ config }: Invocation): BackendName | undefined {
  const { ipMasq } = ipMasqSchema.read(config.raw, "");
  if (!ipMasq) return undefined;
  return config.raw["ipMasqBackend"] === "iptables" ? "iptables" : "nftables";
}

/** What a configuration with "ipMasq" asks for, as it has been read and judged. */
export interface Masquerade {
  readonly backend: BackendName;
  readonly options: MasqueradeOptions;
}

/**
 * What the configuration asks for, for ADD, CHECK and STATUS; undefined where "ipMasq" is off, and then nothing else is judged.
 * Throws CniError for a back end that is none, for options that are wrong, and for options of a back end that takes none: so an
 * ADD is refused before it has done anything, and STATUS knows, too.
 */
export function masqueradeFor(
  keys: { readonly ipMasq: boolean; readonly ipMasqBackend: () => BackendName },
  { config }: Invocation,
): Masquerade | undefined {
  if (!keys.ipMasq) return undefined;
  const backend = keys.ipMasqBackend();
  const options = optionsOf(config);
  if (BACKENDS[backend].takesOptions || options.given === undefined) return { backend, options };
  throw new CniError(CNI_CODE.INVALID_CONFIG, 'ipMasqOptions: the options need ipMasqBackend "nftables"');
}

/** Masquerades what the container sends beyond its subnets. Throws CniError, NetlinkError, SyscallError or IptablesError. */
export function beginMasquerade(
  invocation: Invocation,
  { backend: name, options }: Masquerade,
  addresses: readonly Cidr[],
  undo: Undo,
): void {
  const attachment = attachmentOf(invocation);
  const backend = BACKENDS[name];
  undo.defer(() => backend.tearDown(attachment, addresses));
  backend.setUp(attachment, { addresses, options }, invocation.netns);
}

/**
 * CHECK, of the back end that the attachment was made with, or has moved to since (`bauta adopt`), whatever the configuration
 * says by now. Throws MasqueradeError, which names all that is missing or altered.
 */
export function checkIpMasq(
  invocation: Invocation,
  { backend, options }: Masquerade,
  addresses: readonly Cidr[],
): void {
  const attachment = attachmentOf(invocation);
  const inForce = backendInForce(attachment, backend);
  const faults = inForce.faults(attachment, { addresses, options });
  if (faults.length === 0) return;
  if (inForce.recordOf(attachment) !== undefined) requireNoFaults(attachment, faults, remedyFor(attachment, options));
  const theirs = findUpstream(attachment, addresses);
  if (theirs === undefined) requireNoFaults(attachment, faults, REMEDY.NO_RECORD);
  else if (options.given !== undefined) requireNoFaults(attachment, faults, REMEDY.OTHER_OPTIONS);
  else requireNoFaults(attachment, theirs.faults, theirs.isAdoptable ? REMEDY.ADOPT : REMEDY.NO_RECORD);
}

/** `bauta restore` puts back what the record tells of, which had better be what the configuration asks for. */
function remedyFor(attachment: Attachment, { given = {} }: MasqueradeOptions): string {
  const record = records.read(attachment);
  const isSame = record === undefined || JSON.stringify(record.options ?? {}) === JSON.stringify(given);
  return isSame ? REMEDY.RESTORE : REMEDY.OTHER_OPTIONS;
}

/** By the records. Where there is none, by the configuration: upstream's plugin has made it then, or /run was swept. */
function backendInForce(attachment: Attachment, wanted: BackendName): Backend {
  const other = wanted === "nftables" ? iptables : nftables;
  const own = BACKENDS[wanted];
  const isOther = own.recordOf(attachment) === undefined && other.recordOf(attachment) !== undefined;
  return isOther ? other : own;
}

/**
 * DEL: ends the attachment's masquerade by either back end, whatever the configuration says by now: it may have changed while
 * the container ran. What a back end that the configuration does not ask for can't end is only logged: the node may not have
 * that back end at all.
 */
export function endMasquerade(invocation: Invocation, wanted: BackendName | undefined, keep: Keep): void {
  const attachment = attachmentOf(invocation);
  const known = invocation.prevResult?.ips ?? [];
  ofEach(invocation, wanted, (backend) => {
    const hints = backend === nftables && wanted === undefined ? [] : known;
    backend.tearDown(attachment, hints, keep);
  });
}

/** GC: ends the masquerade of attachments that aren't valid any more; see endMasquerade. */
export function collectStaleMasquerade(invocation: Invocation, wanted: BackendName | undefined): void {
  const valid = validAttachments(invocation);
  ofEach(invocation, wanted, (backend) => backend.collect(invocation.config.name, valid));
}

/** iptables first, the direction in which `bauta adopt` moves an attachment: what has left iptables is in nf_tables then. */
function ofEach(invocation: Invocation, wanted: BackendName | undefined, work: (backend: Backend) => void): void {
  runAll(
    [iptables, nftables].map((backend) => () => {
      const what = backend === nftables ? "masquerade" : `masquerade by ${backend.backend}`;
      orLog(invocation, what, wanted === backend.backend, () => work(backend));
    }),
  );
}

/** Why this node cannot masquerade now, or undefined when it can. */
export function ipMasqUnavailable({ backend }: Masquerade, tryOut: TryOut): string | undefined {
  return BACKENDS[backend].unavailable(tryOut);
}
