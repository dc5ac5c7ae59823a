// Works out the chain that packets of each address reach, from the tables as nft(8) lists them, without bauta's own code.

import { run } from "./netns.ts";

export interface AddressWay {
  readonly by: "members" | "exceptions";
  readonly chain: string;
}

/** An element in the JSON of nft: a key, or a key and the value that it maps to. */
type Listed = Key | readonly [Key, { readonly goto?: { readonly target: string } }];
type Key = string | { readonly elem: { readonly val: Key } } | { readonly prefix: { addr: string; len: number } };

interface ListedSet {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly elem?: readonly Listed[];
}

/** The chain of table bauta_masquerade of the family, by address. */
export function waysOf(family: "ip" | "ip6"): Map<string, AddressWay> {
  const listing: { nftables: { set?: ListedSet; map?: ListedSet }[] } = JSON.parse(run("nft", "-j", "list", "ruleset"));
  const sets = listing.nftables.flatMap(({ set, map }) => set ?? map ?? []);
  const elements = (name: string): { key: string; chain: string }[] => {
    const own = sets.find((one) => one.family === family && one.table === "bauta_masquerade" && one.name === name);
    return (own?.elem ?? []).map((one) =>
      Array.isArray(one) ? { key: textOf(one[0]), chain: one[1].goto?.target ?? "" } : { key: textOf(one), chain: "" },
    );
  };
  const ways = new Map<string, AddressWay>();
  for (const { key } of elements("members")) {
    const network = elements("networks").find((one) => contains(one.key, key));
    if (network !== undefined) ways.set(key, { by: "members", chain: network.chain });
  }
  for (const { key, chain } of elements("exceptions")) ways.set(key, { by: "exceptions", chain });
  return ways;
}

function textOf(key: Key | Listed): string {
  if (typeof key === "string") return key;
  if ("elem" in key) return textOf(key.elem.val);
  if ("prefix" in key) return `${key.prefix.addr}/${key.prefix.len}`;
  throw new Error(`cannot tell what ${JSON.stringify(key)} is`);
}

/** Whether the prefix, `10.0.0.0/8` say, or the single address contains the address. */
function contains(network: string, address: string): boolean {
  const [base = "", length = "128"] = network.split("/");
  return bitsOf(base).slice(0, Number(length)) === bitsOf(address).slice(0, Number(length));
}

function bitsOf(address: string): string {
  if (!address.includes(":")) return bits(address.split("."), 10, 8);
  const [head = "", tail = ""] = address.split("::");
  const [before, after] = [head, tail].map((text) => (text === "" ? [] : text.split(":")));
  const zeros = Array.from({ length: 8 - (before?.length ?? 0) - (after?.length ?? 0) }, () => "0");
  return bits([...(before ?? []), ...zeros, ...(after ?? [])], 16, 16);
}

function bits(numbers: readonly string[], radix: number, width: number): string {
  return numbers.map((one) => Number.parseInt(one, radix).toString(2).padStart(width, "0")).join("");
}
