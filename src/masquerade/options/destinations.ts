// Which destinations keep their source address: prefixes that exclude and exceptions to them, the longest one winning,
// flattened into intervals that do not overlap, so that one look-up decides however many they are.

import { type Cidr, type Family, familyOf, formatCidr, networkOf, parseCidr } from "../../wire/ip.ts";
import { intervalsOf, type PrefixEntry } from "./longest-prefix.ts";
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

/** Whether any list decides about destinations. */
export function hasDestinations({ exclude, only, excludeFile }: MasqueradeOptions): boolean {
  return exclude !== undefined || only !== undefined || excludeFile !== undefined;
}

/**
 * The destinations of the family that keep their source, as intervals in order. `excluded` are more to exclude, from a file.
 * Throws CniError 7 for a text that is no prefix, and for a prefix that is both excluded and not excluded.
 */
export function keptDestinations(
  options: MasqueradeOptions,
  family: Family,
  excluded: readonly string[] = [],
): AddressRange[] {
  const own = entriesOf(options, excluded).filter(({ prefix }) => familyOf(prefix.ip) === family);
  return intervalsOf(own, family, options.only !== undefined);
}

/** Throws CniError 7 where the lists of the options and a file's cannot go together. The file's contents are not told. */
export function requireUnambiguous(options: MasqueradeOptions, excluded: readonly string[]): void {
  entriesOf(options, excluded);
}

/** Each prefix, and whether packets to it keep their source. */
function entriesOf(options: MasqueradeOptions, excluded: readonly string[]): PrefixEntry[] {
  const entries = new Map<string, PrefixEntry>();
  const addAll = (
    given: readonly string[] | undefined,
    isIn: boolean,
    nameOf: (i: number, text: string) => { readonly key: string; readonly value: string },
  ): void =>
    given?.forEach((text, i) => {
      for (const prefix of prefixesOf(text, () => nameOf(i, text))) {
        const name = formatCidr(prefix);
        const other = entries.get(name);
        if (other !== undefined && other.isIn !== isIn) {
          const { key, value } = nameOf(i, text);
          throw wrong(key, value, "possible: the same prefix is excluded and not excluded");
        }
        entries.set(name, { prefix, isIn });
      }
    });
  const inList = (key: string) => (i: number, text: string) => ({
    key: `ipMasqOptions.${key}[${i}]`,
    value: JSON.stringify(text),
  });
  addAll(options.exclude, true, inList("exclude"));
  addAll(options.excludeExceptions, false, inList("excludeExceptions"));
  addAll(options.only, false, inList("only"));
  // The error may be read by people who must not read the file, so it does not tell the file's contents.
  addAll(excluded, true, (i) => ({ key: "ipMasqOptions.excludeFile", value: `prefix ${i + 1} of the file` }));
  return [...entries.values()];
}

function prefixesOf(text: string, nameOf: () => { readonly key: string; readonly value: string }): Cidr[] {
  return (PRESETS[text] ?? [text]).map((one) => {
    const prefix = parseCidr(one);
    if (prefix === undefined) {
      const { key, value } = nameOf();
      throw wrong(
        key,
        value,
        `a CIDR prefix or one of ${Object.keys(PRESETS)
          .map((name) => `"${name}"`)
          .join(", ")}`,
      );
    }
    return networkOf(prefix);
  });
}
