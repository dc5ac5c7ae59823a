// The rules of each attachment, as records: see owned/records.ts. A rule does not tell whose it is.

import type { Attachment } from "../cni/attachment.ts";
import { RecordStore } from "../owned/records.ts";
import { formatIp, type Ip, parseIp } from "../wire/ip.ts";

/** `from SOURCE lookup TABLE` */
export interface SourceRule {
  readonly source: Ip;
  readonly table: number;
}

export interface SbrRecord {
  readonly attachment: Attachment;
  readonly rules: readonly SourceRule[];
  /** Whether the tables were chosen, so that what is in them is ours, too. */
  readonly ownsTables: boolean;
  /** The priority of the rules, where it was not the kernel's choice. */
  readonly priority?: number;
  /** The path of the container's network namespace. */
  readonly netns: string;
  /** What tells that namespace from one that has its path by now: see netnsIdOf. */
  readonly containerNetns: string;
}

/** The records. See RecordStore for what each of its functions throws. */
export const records = new RecordStore<SbrRecord>("/run/bauta/sbr", {
  toJson: ({ rules, ...rest }) => ({
    ...rest,
    rules: rules.map(({ source, table }) => ({ source: formatIp(source), table })),
  }),
  fromJson({ attachment, rules, ownsTables, priority, netns, containerNetns }) {
    const read = Array.isArray(rules) ? rules.map(ruleFrom) : [undefined];
    const known = read.filter((rule) => rule !== undefined);
    if (known.length < read.length || typeof netns !== "string" || typeof containerNetns !== "string") return undefined;
    const record = { attachment, rules: known, ownsTables: ownsTables === true, netns, containerNetns };
    return typeof priority === "number" ? { ...record, priority } : record;
  },
});

function ruleFrom(value: unknown): SourceRule | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const [text, table] = [Reflect.get(value, "source"), Reflect.get(value, "table")];
  const source = typeof text === "string" ? parseIp(text) : undefined;
  return source === undefined || typeof table !== "number" ? undefined : { source, table };
}
