// What an interface plugin does for an attachment beside its interface, by a key of the configuration: the verbs that
// interface.ts calls.

import { attachmentOf, validAttachments } from "../cni/attachment.ts";
import type { Invocation } from "../cni/plugin.ts";
import { object } from "../cni/schema.ts";
import { orLog, type Undo } from "../cni/undo.ts";
import { macSpoof } from "../mac-spoof/feature.ts";
import {
  backendKey,
  backendOf,
  beginMasquerade,
  checkIpMasq,
  collectStaleMasquerade,
  endMasquerade,
  ipMasqUnavailable,
  type Masquerade,
} from "../masquerade/masquerade.ts";
import type { Keep } from "../owned/commit.ts";
import type { TryOut } from "../owned/tried-out.ts";
import type { Cidr } from "../wire/ip.ts";
import { flag } from "./keys.ts";

/** `C` is what the plugin has read of its configuration. A verb that isn't there has nothing to do. */
export interface Extra<C> {
  /** The key that asks for it. */
  readonly key: string;
  /** ADD, once the container has its addresses. */
  readonly begin?: (invocation: Invocation, config: C, addresses: readonly Cidr[], undo: Undo) => void;
  /** Throws where what ADD made is gone or altered. */
  readonly check?: (invocation: Invocation, config: C, addresses: readonly Cidr[]) => void;
  /** DEL, whatever the configuration asks for by now: it may have changed while the container ran. */
  readonly end: (invocation: Invocation, keep: Keep) => void;
  /** GC, of the attachments that aren't valid any more. */
  readonly collect: (invocation: Invocation) => void;
  /** What stands in the way on this node; undefined where nothing does, or the configuration does not ask for it. */
  readonly unavailable: (config: C, tryOut: TryOut) => string | undefined;
}

/** The keys of masquerade, for a plugin's schema; see masqueradeFor. */
export const masqueradeKeys = {
  ipMasq: flag("masquerade what the container sends beyond its subnets"),
  ipMasqBackend: backendKey,
};

/** "ipMasq". The plugin's configuration has what masqueradeFor has read, once for all verbs; undefined where "ipMasq" is off. */
export const ipMasq: Extra<{ readonly masquerade: Masquerade | undefined }> = {
  key: "ipMasq",
  begin(invocation, { masquerade }, addresses, undo) {
    if (masquerade !== undefined) beginMasquerade(invocation, masquerade, addresses, undo);
  },
  check(invocation, { masquerade }, addresses) {
    if (masquerade !== undefined) checkIpMasq(invocation, masquerade, addresses);
  },
  end: (invocation, keep) => endMasquerade(invocation, backendOf(invocation), keep),
  collect: (invocation) => collectStaleMasquerade(invocation, backendOf(invocation)),
  unavailable: ({ masquerade }, tryOut) =>
    masquerade === undefined ? undefined : ipMasqUnavailable(masquerade, tryOut),
};

/** "macspoofchk". The plugin begins and checks it itself, as it must be in force before the container can send. */
export const macSpoofCheck: Extra<{ readonly macspoofchk: boolean }> = {
  key: "macspoofchk",
  end(invocation, keep) {
    const release = (): void => macSpoof.tearDown(attachmentOf(invocation), [], keep);
    orLog(invocation, "macspoofchk", wantsMacSpoofCheck(invocation), release);
  },
  collect(invocation) {
    const collectGuards = (): void => macSpoof.collect(invocation.config.name, validAttachments(invocation));
    orLog(invocation, "macspoofchk", wantsMacSpoofCheck(invocation), collectGuards);
  },
  unavailable: ({ macspoofchk }, tryOut) => (macspoofchk ? macSpoof.unavailable(tryOut) : undefined),
};

const macSpoofSchema = object({ macspoofchk: flag("") });

/** For DEL and GC, which a wrong value elsewhere is no reason to refuse. Throws CniError 6 for a wrong type. */
export function wantsMacSpoofCheck({ config }: Pick<Invocation, "config">): boolean {
  return macSpoofSchema.read(config.raw, "").macspoofchk;
}
