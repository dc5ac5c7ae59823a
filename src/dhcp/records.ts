// The daemon's leases on disk, beside its socket: so that a daemon that was restarted, or killed, goes on renewing them. Each
// daemon has a directory of its own. /run ends with the boot, as the leases' containers do.

import base64 from "base64-js";
import { type BaseRecord, hasTexts, RecordStore, type WrittenRecord } from "../owned/records.ts";
import { type LeaseRecord6, leaseRecord6From, leaseRecord6ToJson } from "./ipv6/records.ts";
import { bytesOf, decoded } from "./json.ts";
import type { Lease } from "./lease.ts";
import type { Options } from "./options.ts";
import type { ClientSettings } from "./requests.ts";

/** What a daemon has to know of a lease when it begins. */
export interface LeaseRecord extends BaseRecord {
  readonly netns: string;
  /** The network namespace that the path led to: see ownNetnsId. */
  readonly netnsId: string;
  readonly ifindex: number;
  readonly priority: number;
  readonly interfaceMtu: boolean;
  /** Of IPv4, where the attachment has it; `lease` as well. */
  readonly client?: Pick<ClientSettings, "clientId" | "request" | "provide" | "broadcast" | "probes">;
  readonly lease?: Lease;
  readonly ipv6?: LeaseRecord6;
}

/** The leases of the daemon at this socket. */
export function leaseRecords(socket: string): RecordStore<LeaseRecord> {
  return new RecordStore(`${socket}.leases`, { toJson, fromJson });
}

function toJson({ client, lease, ipv6, ...rest }: LeaseRecord): object {
  return {
    ...rest,
    client: client && {
      ...client,
      clientId: base64.fromByteArray(client.clientId),
      provide: optionsToJson(client.provide),
    },
    lease: lease && {
      ip: base64.fromByteArray(lease.ip),
      options: optionsToJson(lease.options),
      server: base64.fromByteArray(lease.server),
      serverMac: base64.fromByteArray(lease.serverMac),
      since: lease.since,
    },
    ipv6: ipv6 && leaseRecord6ToJson(ipv6),
  };
}

/** A record is of one family at least, and each that it has must be whole. */
function fromJson(value: WrittenRecord): LeaseRecord | undefined {
  const { attachment, netns, netnsId, ifindex, priority, interfaceMtu } = value;
  if (typeof netns !== "string" || typeof netnsId !== "string" || typeof ifindex !== "number") return undefined;
  if (typeof priority !== "number" || typeof interfaceMtu !== "boolean") return undefined;
  const common = { attachment, netns, netnsId, ifindex, priority, interfaceMtu };
  const ipv6 = value["ipv6"] === undefined ? undefined : leaseRecord6From(value["ipv6"]);
  if (ipv6 === undefined && value["ipv6"] !== undefined) return undefined;
  const both = ipv6 === undefined ? common : { ...common, ipv6 };
  if (ipv6 !== undefined && value["lease"] === undefined) return both;
  const [client, lease] = [clientOf(value["client"]), leaseOf(value["lease"])];
  return client === undefined || lease === undefined ? undefined : { ...both, client, lease };
}

function clientOf(value: unknown): LeaseRecord["client"] {
  if (!hasTexts(value, ["clientId"])) return undefined;
  const clientId = bytesOf(value, "clientId");
  const provide = optionsOf(Reflect.get(value, "provide"));
  const request: unknown = Reflect.get(value, "request");
  if (clientId === undefined || provide === undefined || !isNumbers(request)) return undefined;
  const isSaid = (key: string): boolean => Reflect.get(value, key) === true;
  return { clientId, provide, request, broadcast: isSaid("broadcast"), probes: isSaid("probes") };
}

function leaseOf(value: unknown): Lease | undefined {
  if (!hasTexts(value, ["ip", "server", "serverMac"])) return undefined;
  const [ip, server, serverMac] = [bytesOf(value, "ip"), bytesOf(value, "server"), bytesOf(value, "serverMac")];
  const options = optionsOf(Reflect.get(value, "options"));
  const since: unknown = Reflect.get(value, "since");
  if (ip?.length !== 4 || server?.length !== 4 || serverMac === undefined) return undefined;
  return options === undefined || typeof since !== "number" ? undefined : { ip, options, server, serverMac, since };
}

function optionsToJson(options: Options): [number, string][] {
  return [...options].map(([code, value]) => [code, base64.fromByteArray(value)]);
}

function optionsOf(value: unknown): Options | undefined {
  if (!Array.isArray(value)) return undefined;
  const options = new Map<number, Uint8Array>();
  for (const entry of value) {
    const [code, text]: [unknown, unknown] = Array.isArray(entry) ? [entry[0], entry[1]] : [undefined, undefined];
    const bytes = typeof text === "string" ? decoded(text) : undefined;
    if (typeof code !== "number" || bytes === undefined) return undefined;
    options.set(code, bytes);
  }
  return options;
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((one) => typeof one === "number");
}
