// The private table of MAC spoof checking, for `bauta monitor`.

import { readComment } from "../owned/comment.ts";
import type { OwnTable } from "../owned/feature.ts";
import { idText } from "../owned/id.ts";
import { cstring } from "../wire/codec.ts";
import { ALLOWED, ATTACHMENTS, PORTS, TABLE } from "./table.ts";

const PORT_LENGTH = 16;

const portKey = (bytes: Uint8Array): string => `port ${cstring.decode(bytes.subarray(0, PORT_LENGTH))}`;

/** Elements of one guard are told to belong together by the port. */
export const ownTable: OwnTable = {
  families: [TABLE.family],
  table: TABLE.name,
  owners: ATTACHMENTS.set,
  nameIn: (comment) => readComment(comment, false),
  keysOf(set, { key, data }) {
    if (set === ATTACHMENTS.set) return [idText(key), ...(data instanceof Uint8Array ? [portKey(data)] : [])];
    return set === PORTS.set || set === ALLOWED.set ? [portKey(key)] : [];
  },
};
