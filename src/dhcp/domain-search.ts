// The domains of option 119: names as DNS writes them, where a name may end with a pointer into those before it (RFC 3397).

import { engine } from "../sys/engine.ts";

/** The two highest bits of a label's length say that it is a pointer (RFC 1035 section 4.1.4). */
const POINTER = 0xc0;
const LABEL_MAX = 63;
const NAME_MAX = 255;
const LABEL = /^[\w-]+$/;

/** The domains of the list; none where any of it is not as it should be. */
export function searchDomains(list: Uint8Array): string[] {
  const domains: string[] = [];
  for (let at = 0; at < list.length; ) {
    const found = nameAt(list, at);
    if (found === undefined) return [];
    domains.push(found.name);
    at = found.end;
  }
  return domains;
}

/** The name that begins at the offset, and where the list goes on; pointers lead back only, so that they have an end. */
function nameAt(list: Uint8Array, start: number): { readonly name: string; readonly end: number } | undefined {
  const labels: string[] = [];
  let [at, limit, length, end] = [start, start, 0, -1];
  for (;;) {
    const byte = list[at];
    if (byte === undefined) return undefined;
    if (byte === 0) return labels.length === 0 ? undefined : { name: labels.join("."), end: end < 0 ? at + 1 : end };
    if ((byte & POINTER) === POINTER) {
      const low = list[at + 1];
      const target = ((byte & ~POINTER) << 8) | (low ?? 0);
      if (low === undefined || target >= limit) return undefined;
      if (end < 0) end = at + 2;
      [at, limit] = [target, target];
      continue;
    }
    if (byte > LABEL_MAX || at + 1 + byte > list.length) return undefined;
    const label = engine.decode(list.slice(at + 1, at + 1 + byte));
    length += byte + 1;
    if (!LABEL.test(label) || length > NAME_MAX) return undefined;
    labels.push(label);
    at += byte + 1;
  }
}
