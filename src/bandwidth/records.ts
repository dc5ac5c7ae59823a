// What each attachment has under limits, as records: see owned/records.ts.

import type { Attachment } from "../cni/attachment.ts";
import { RecordStore, type StoredRecord } from "../owned/records.ts";
import { type Cidr, formatCidr, parseCidr } from "../wire/ip.ts";
import type { Limit, Limits, Subnets } from "./limits.ts";
import type { Side } from "./plan.ts";

export interface LimitRecord {
  readonly attachment: Attachment;
  readonly limits: Limits;
  /** Where the link is that carries the limits. */
  readonly side: Side;
  readonly link: { readonly name: string; readonly index: number };
  /** Whether the link's clsact was made for this attachment. */
  readonly ownsClsact: boolean;
  /** The path of the container's network namespace. */
  readonly netns?: string;
  /** What tells that namespace from one that has its path by now: see netnsIdOf. For links in the container. */
  readonly containerNetns?: string;
}

/** A record, and the id of its attachment. */
export type StoredLimits = StoredRecord<LimitRecord>;

/** The records. See RecordStore for what each of its functions throws. */
export const records = new RecordStore<LimitRecord>("/run/bauta/bandwidth", {
  toJson: ({ limits, ...rest }) => ({ ...rest, limits: { ...limits, subnets: subnetsToJson(limits.subnets) } }),
  fromJson({ attachment, limits, side, link, ownsClsact, netns, containerNetns }) {
    const read = limitsFrom(limits);
    const device = linkFrom(link);
    if (read === undefined || device === undefined || (side !== "node" && side !== "container")) return undefined;
    return {
      ...{ attachment, limits: read, side, link: device, ownsClsact: ownsClsact === true },
      ...(typeof netns === "string" ? { netns } : {}),
      ...(typeof containerNetns === "string" ? { containerNetns } : {}),
    };
  },
});

function subnetsToJson(subnets: Subnets | undefined): object | undefined {
  return subnets && { ...subnets, prefixes: subnets.prefixes.map(formatCidr) };
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function linkFrom(value: unknown): LimitRecord["link"] | undefined {
  const [name, index] = [field(value, "name"), field(value, "index")];
  return typeof name === "string" && typeof index === "number" ? { name, index } : undefined;
}

function limitsFrom(value: unknown): Limits | undefined {
  const [ingress, egress] = [limitFrom(field(value, "ingress")), limitFrom(field(value, "egress"))];
  const latency = field(value, "latency");
  const subnets = field(value, "subnets");
  if (ingress === undefined && egress === undefined) return undefined;
  const read = subnets === undefined ? undefined : subnetsFrom(subnets);
  if (subnets !== undefined && read === undefined) return undefined;
  return { ingress, egress, latency: typeof latency === "number" ? latency : undefined, subnets: read };
}

function limitFrom(value: unknown): Limit | undefined {
  const [rate, burst] = [field(value, "rate"), field(value, "burst")];
  return typeof rate === "number" && typeof burst === "number" && rate >= 8 ? { rate, burst } : undefined;
}

function subnetsFrom(value: unknown): Subnets | undefined {
  const [isSpared, texts] = [field(value, "isSpared"), field(value, "prefixes")];
  if (typeof isSpared !== "boolean" || !Array.isArray(texts)) return undefined;
  const prefixes: (Cidr | undefined)[] = texts.map((text) => (typeof text === "string" ? parseCidr(text) : undefined));
  const read = prefixes.filter((one) => one !== undefined);
  return read.length === prefixes.length ? { isSpared, prefixes: read } : undefined;
}
