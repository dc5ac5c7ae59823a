// What each attachment publishes by nftables, as records: see owned/records.ts.

import type { Attachment } from "../cni/attachment.ts";
import { type RecordFormat, RecordStore, type StoredRecord, type WrittenRecord } from "../owned/records.ts";
import { formatCidr, parseCidr } from "../wire/ip.ts";
import { type Container, mappingText, type Publication, parseMapping } from "./mapping.ts";

export interface PortmapRecord extends Publication {
  readonly attachment: Attachment;
  /** The path of the container's network namespace, for `bauta gc`; absent where nobody knew it. */
  readonly netns?: string;
}

/** A record, and the id of its attachment. */
export type StoredPublication = StoredRecord<PortmapRecord>;

/** What is alike in the records of either back end. */
export const publicationFormat: RecordFormat<PortmapRecord> = {
  toJson: ({ attachment, containers, mappings, snat, masqAll, conditions: { v4, v6 }, netns }) => ({
    attachment,
    containers: containers.map((one) => ({ address: formatCidr(one), link: one.link })),
    mappings: mappings.map(mappingText),
    snat,
    masqAll,
    ...(v4.length > 0 && { conditionsV4: v4 }),
    ...(v6.length > 0 && { conditionsV6: v6 }),
    netns,
  }),
  fromJson(value) {
    const { attachment, netns } = value;
    const publication = publicationIn(value);
    if (publication === undefined) return undefined;
    const known = { attachment, ...publication };
    return typeof netns === "string" ? { ...known, netns } : known;
  },
};

function publicationIn(written: WrittenRecord): Publication | undefined {
  const { containers, mappings, snat, masqAll, conditionsV4 = [], conditionsV6 = [] } = written;
  if (typeof snat !== "boolean" || typeof masqAll !== "boolean") return undefined;
  const found = listOf(containers, containerIn);
  const ports = listOf(mappings, (one) => (typeof one === "string" ? parseMapping(one) : undefined));
  const [v4, v6] = [listOf(conditionsV4, wordIn), listOf(conditionsV6, wordIn)];
  if (found === undefined || ports === undefined || v4 === undefined || v6 === undefined) return undefined;
  return { containers: found, mappings: ports, snat, masqAll, conditions: { v4, v6 } };
}

/** What `read` makes of each; undefined where the value is no list, or has something in it that cannot be read. */
function listOf<T>(value: unknown, read: (one: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const all = value.map((one: unknown) => read(one));
  const known = all.filter((one) => one !== undefined);
  return known.length === all.length ? known : undefined;
}

const wordIn = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

function containerIn(value: unknown): Container | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { address, link }: { address?: unknown; link?: unknown } = value;
  const cidr = typeof address === "string" ? parseCidr(address) : undefined;
  if (cidr === undefined) return undefined;
  return typeof link === "string" ? { ...cidr, link } : cidr;
}

/** The records. See RecordStore for what each of its functions throws. */
export const records = new RecordStore<PortmapRecord>("/run/bauta/portmap", publicationFormat);
