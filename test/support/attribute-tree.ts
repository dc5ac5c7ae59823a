// Compares messages as trees of attributes. The order of attributes means nothing, and neither does the flag NLA_F_NESTED.

import { readAttributes } from "../../src/wire/attrs.ts";

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

export interface TreeOptions {
  /** Some nests begin with a struct: its size, by the path of the nest, `18/2/1` say. */
  readonly headers?: Readonly<Record<string, number>>;
  /** The paths of the texts that the other side sends without a NUL at their end. */
  readonly unterminated?: readonly string[];
}

/**
 * The differences, a line each. An attribute is a nest where our message has the flag. A path is made of the attribute
 * numbers, from the outermost to the innermost.
 */
export function attributeDifferences(
  ours: Uint8Array,
  theirs: Uint8Array,
  options: TreeOptions = {},
  path = "",
): string[] {
  const [mine, other] = [byType(ours), byType(theirs)];
  const types = [...new Set([...mine.keys(), ...other.keys()])].sort((a, b) => a - b);
  return types.flatMap((type) => {
    const [a, b] = [mine.get(type) ?? [], other.get(type) ?? []];
    const here = path === "" ? `${type}` : `${path}/${type}`;
    if (a.length !== b.length) return [`${here}: ours ${a.map(show)}, theirs ${b.map(show)}`];
    return a.flatMap((one, i) => payloadDifferences(one, b[i] ?? one, options, here));
  });
}

interface Attribute {
  readonly nested: boolean;
  readonly payload: Uint8Array;
}

function payloadDifferences(ours: Attribute, theirs: Attribute, options: TreeOptions, path: string): string[] {
  const header = options.headers?.[path] ?? 0;
  const bareHeader = hex(ours.payload.subarray(0, header)) === hex(theirs.payload.subarray(0, header));
  if (ours.nested && bareHeader) {
    return attributeDifferences(ours.payload.subarray(header), theirs.payload.subarray(header), options, path);
  }
  const want = hex(theirs.payload) + (options.unterminated?.includes(path) ? "00" : "");
  return hex(ours.payload) === want ? [] : [`${path}: ours ${show(ours)}, theirs ${show(theirs)}`];
}

function byType(bytes: Uint8Array): Map<number, Attribute[]> {
  const found = new Map<number, Attribute[]>();
  for (const { type, payload } of readAttributes(bytes)) {
    const list = found.get(type & NLA_TYPE_MASK) ?? [];
    found.set(type & NLA_TYPE_MASK, [...list, { nested: (type & NLA_F_NESTED) !== 0, payload }]);
  }
  return found;
}

function show(attribute: Attribute): string {
  return hex(attribute.payload) || "nothing";
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
