// What each attachment has of the firewall, as records: see owned/records.ts.

import type { Attachment } from "../cni/attachment.ts";
import { RecordStore, type StoredRecord } from "../owned/records.ts";
import { formatIp, type Ip, parseIp } from "../wire/ip.ts";
import { BACKENDS, INGRESS_POLICIES, type Protection } from "./wanted.ts";

export interface FirewallRecord extends Protection {
  readonly attachment: Attachment;
  /** The path of the container's network namespace, for `bauta gc`; absent where nobody knew it. */
  readonly netns?: string;
}

/** A record, and the id of its attachment. */
export type StoredProtection = StoredRecord<FirewallRecord>;

/** The records. See RecordStore for what each of its functions throws. */
export const records = new RecordStore<FirewallRecord>("/run/bauta/firewall", {
  toJson: ({ attachment, addresses, bridge, port, policy, backend, adminChain, zone, netns }) => {
    return { attachment, addresses: addresses.map(formatIp), bridge, port, policy, backend, adminChain, zone, netns };
  },
  fromJson({ attachment, addresses, bridge, port, policy, backend, adminChain, zone, netns }) {
    const known = INGRESS_POLICIES.find((one) => one === policy);
    if (!Array.isArray(addresses) || known === undefined) return undefined;
    if (typeof adminChain !== "string" || typeof zone !== "string") return undefined;
    return {
      attachment,
      addresses: addresses.flatMap((one: unknown) => ipIn(one) ?? []),
      bridge: nameIn(bridge),
      port: nameIn(port),
      policy: known,
      backend: BACKENDS.find((one) => one === backend),
      adminChain,
      zone,
      ...(typeof netns === "string" ? { netns } : {}),
    };
  },
});

/** A name that an interface can be matched by: see ifnameKey. */
const IFNAME = /^[^\s\0]{1,15}$/;

function nameIn(value: unknown): string | undefined {
  return typeof value === "string" && IFNAME.test(value) ? value : undefined;
}

function ipIn(value: unknown): Ip | undefined {
  return typeof value === "string" ? parseIp(value) : undefined;
}
