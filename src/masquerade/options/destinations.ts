// Which destinations keep their source address: prefixes that exclude and exceptions to them, the longest one winning,
// flattened into intervals that do not overlap, so that one look-up decides however many they are.

import {
  type Cidr,
  compareIp,
  type Family,
  familyOf,
  formatCidr,
  lastOf,
  networkOf,
  offsetIp,
  parseCidr,
} from "../../wire/ip.ts";
import { type AddressRange, type MasqueradeOptions, wrong } from "./options.ts";

/** Names for lists of prefixes. `reserved` has the other two in it. Sources: RFC 6890, RFC 1918, RFC 4193, RFC 6598. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
const LINK_LOCAL = ["169.254.0.0/16", "fe80::/10"];
const RESERVED = [
  ...PRIVATE,
  ...LINK_LOCAL,
  ...["0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15"],
  ...["198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "::/128", "::1/128", "64:ff9b:1::/48", "100::/64"],
  ...["2001::/23", "2001:db8::/32", "2002::/16"],
];
const PRESETS: Readonly<Record<string, readonly string[]>> = {
  private: PRIVATE,
  "link-local": LINK_LOCAL,
  reserved: RESERVED,
};

interface Entry {
  readonly prefix: Cidr;
  /** Whether packets to it keep their source. */
  readonly keeps: boolean;
}

/** Whether any list decides about destinations. */
export function hasDestinations({ exclude, only, excludeFile }: MasqueradeOptions): boolean {
  return exclude !== undefined || only !== undefined || excludeFile !== undefined;
}

/**
 * The destinations of the family that keep their source, as intervals in order. `more` are excluded besides, from a
 * file. Throws CniError 7 for what is no prefix and for one that is on both sides.
 */
export function keptDestinations(
  options: MasqueradeOptions,
  family: Family,
  more: readonly string[] = [],
): AddressRange[] {
  const entries = new Map<string, Entry>();
  const addAll = (key: string, given: readonly string[] | undefined, keeps: boolean): void =>
    given?.forEach((text, i) => {
      for (const prefix of prefixesOf(`${key}[${i}]`, text)) {
        const name = formatCidr(prefix);
        const other = entries.get(name);
        if (other !== undefined && other.keeps !== keeps) {
          throw wrong(`${key}[${i}]`, JSON.stringify(text), "possible: the same prefix is excluded and not excluded");
        }
        entries.set(name, { prefix, keeps });
      }
    });
  addAll("ipMasqOptions.exclude", options.exclude, true);
  addAll("ipMasqOptions.excludeFile", more, true);
  addAll("ipMasqOptions.excludeExceptions", options.excludeExceptions, false);
  addAll("ipMasqOptions.only", options.only, false);
  const own = [...entries.values()].filter(({ prefix }) => familyOf(prefix.ip) === family);
  return flatten(own, family, options.only !== undefined);
}

function prefixesOf(key: string, text: string): Cidr[] {
  return (PRESETS[text] ?? [text]).map((one) => {
    const prefix = parseCidr(one);
    if (prefix === undefined) {
      throw wrong(
        key,
        JSON.stringify(text),
        `a CIDR prefix or one of ${Object.keys(PRESETS)
          .map((name) => `"${name}"`)
          .join(", ")}`,
      );
    }
    return networkOf(prefix);
  });
}

/** Prefixes nest or are apart, so in order of their first address a stack of those around is all that it takes. */
function flatten(entries: readonly Entry[], family: Family, keepsOthers: boolean): AddressRange[] {
  const whole: Entry = { prefix: { ip: new Uint8Array(family === 4 ? 4 : 16), prefixLength: 0 }, keeps: keepsOthers };
  const ordered = entries.toSorted(
    (a, b) => compareIp(a.prefix.ip, b.prefix.ip) || a.prefix.prefixLength - b.prefix.prefixLength,
  );
  const kept: AddressRange[] = [];
  const around: Entry[] = [];
  let at: Uint8Array | undefined = whole.prefix.ip;
  /** Everything from where we are to `end` is as the innermost prefix around says. */
  const advance = (end: Uint8Array): void => {
    const innermost = around.at(-1);
    if (at === undefined || compareIp(at, end) > 0) return;
    const last = kept.at(-1);
    if (innermost?.keeps) {
      if (last !== undefined && compareIp(offsetIp(last.last, 1) ?? last.last, at) === 0)
        kept[kept.length - 1] = { first: last.first, last: end };
      else kept.push({ first: at, last: end });
    }
    at = offsetIp(end, 1);
  };
  for (const entry of [whole, ...ordered]) {
    for (
      let top = around.at(-1);
      top !== undefined && compareIp(lastOf(top.prefix), entry.prefix.ip) < 0;
      top = around.at(-1)
    ) {
      advance(lastOf(top.prefix));
      around.pop();
    }
    const before = offsetIp(entry.prefix.ip, -1);
    if (before !== undefined) advance(before);
    around.push(entry);
  }
  for (let top = around.pop(); top !== undefined; top = around.pop()) {
    around.push(top);
    advance(lastOf(top.prefix));
    around.pop();
  }
  return kept;
}
