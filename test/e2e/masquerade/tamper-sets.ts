// Every way to spoil our sets and maps, and their elements, as nft(8) shows them.

import { keyText } from "./node.ts";
import type { Json } from "./runtime.ts";
import { type Listing, TABLE, type Tampering, tamper } from "./tampering.ts";

/** What can be done to a set or map as a whole. */
export function ofSet(listing: Listing, set: Json): Tampering[] {
  const { family } = listing;
  const name = `${family} ${TABLE} ${set.name}`;
  const kind = set.map === undefined ? "set" : "map";
  const users = listing.chains.filter(({ rules }) => rules.some((rule) => looksInto(rule.text, set.name)));
  const type = set.map === undefined ? `type ${set.type};` : `type ${set.type} : ${set.map};`;
  const flags = set.flags === undefined ? "" : `flags ${set.flags.join(", ")};`;
  const counter = set.stmt === undefined ? "" : "counter;";
  const elements = elementsText(listing.text, kind, set.name);
  const rebuild = (definition: string): string[] => [
    ...users.map((chain) => `flush chain ${family} ${TABLE} ${chain.name}`),
    `delete ${kind} ${name}`,
    `add ${kind} ${name} { ${definition} }`,
    ...(elements === undefined ? [] : [`add element ${name} ${elements}`]),
    ...users.flatMap((chain) => chain.rules.map(({ text }) => `add rule ${family} ${TABLE} ${chain.name} ${text}`)),
  ];
  const rulesThere = users.flatMap((chain) =>
    chain.rules.filter((rule) => looksInto(rule.text, set.name)).map(({ handle }) => `${chain.name} handle ${handle}`),
  );
  const remove = [...rulesThere.map((rule) => `delete rule ${family} ${TABLE} ${rule}`), `delete ${kind} ${name}`];
  const text = `${kind} ${set.name} of table ${family} ${TABLE}`;
  const altered = (what: string, definition: string): Tampering =>
    tamper(family, what, rebuild(definition), `${text} has been altered`);
  return [
    tamper(family, `delete ${kind} ${set.name}`, remove, `${text} is missing`),
    altered(`let the elements of ${set.name} expire`, `${type} ${flags} ${counter} timeout 1h;`),
    altered(`limit the elements of ${set.name}`, `${type} ${flags} ${counter} size 1000;`),
    ...(counter === "" ? [] : [altered(`do not count in ${set.name}`, `${type} ${flags}`)]),
  ];
}

const looksInto = (rule: string, set: string): boolean => rule.split(" ").includes(`@${set}`);

/** As nft prints them, in braces; undefined where there are none. */
function elementsText(listing: string, kind: string, name: string): string | undefined {
  const from = listing.slice(listing.indexOf(`\t${kind} ${name} {`));
  return /elements = (\{[^}]*\})/
    .exec(from.slice(0, from.indexOf("\n\t}")))?.[1]
    ?.replaceAll(/ counter packets \d+ bytes \d+/g, "");
}

/** What can be done to the elements of a set or map, and with others. */
export function ofElements({ family, sets }: Listing, set: Json): Tampering[] {
  const keys = (set.elem ?? []).map((element: Json) => {
    if (set.map === undefined) return { key: keyText(element) };
    const [key, value] = element;
    return { key: keyText(key), value };
  });
  return keys.flatMap(({ key, value }: { key: string; value?: Json }) => {
    if (set.name === "owners") return ofOwner(family, key, sets);
    if (set.name === "members") return ofMember(family, key, sets);
    if (set.name === "networks") return ofNetwork(family, key, value.goto.target);
    return ofVerdict(family, set.name, key, value.goto.target);
  });
}

const deletion = (family: string, set: string, key: string): string =>
  `delete element ${family} ${TABLE} ${set} { ${key} }`;

/** Another value instead of the element's. */
function become(family: string, set: string, key: string, value: string, complaint: string): Tampering {
  const add = `add element ${family} ${TABLE} ${set} { ${key} : ${value} }`;
  return tamper(family, `${set}: ${key} : ${value}`, [deletion(family, set, key), add], complaint);
}

function lose(family: string, set: string, key: string, complaint: string): Tampering {
  return tamper(family, `${set}: delete ${key}`, [deletion(family, set, key)], complaint);
}

function ofOwner(family: string, key: string, sets: readonly Json[]): Tampering[] {
  const other = become(family, "owners", key, "2001:db8::bad", `${key} belongs to another attachment`);
  const holding = sets.filter(({ elem = [] }) => elem.flat().some((one: Json) => keyText(one) === key));
  const cleanup = holding.map(({ name }) => deletion(family, name, key));
  return [lose(family, "owners", key, `the element ${key} of map owners is missing`), { ...other, cleanup }];
}

function ofMember(family: string, key: string, sets: readonly Json[]): Tampering[] {
  const missing = `the element ${key} of set members is missing`;
  const chain = sets.find(({ name }) => name === "policies").elem.find(([one]: Json) => keyText(one) === key)[1]
    .goto.target;
  const stray = (value: string): Tampering =>
    tamper(
      family,
      `exceptions: add ${key} : ${value}`,
      [`add element ${family} ${TABLE} exceptions { ${key} : ${value} }`],
      `the element ${key} of map exceptions says ${value}`,
    );
  // It keeps the chain, and so the table, which else go with the last address.
  const leading = { ...stray(`goto ${chain}`), cleanup: [deletion(family, "exceptions", key)] };
  return [lose(family, "members", key, missing), ...["accept", "drop"].map(stray), leading];
}

function ofVerdict(family: string, map: string, key: string, chain: string): Tampering[] {
  const says = map === "policies" ? `, not goto ${chain}` : "";
  return [
    lose(family, map, key, `the element ${key} of map ${map} is missing`),
    ...otherVerdicts(family, chain, (value) =>
      become(family, map, key, value, `the element ${key} of map ${map} says ${value}${says}`),
    ),
  ];
}

function ofNetwork(family: string, key: string, chain: string): Tampering[] {
  const complaint = `the element ${key} of map networks of table ${family} ${TABLE} is missing`;
  const remove = deletion(family, "networks", key);
  const [address, length] = key.split("/");
  const otherSize = (difference: number): Tampering => {
    const other = `${address}/${Number(length) + difference}`;
    const add = `add element ${family} ${TABLE} networks { ${other} : goto ${chain} }`;
    return tamper(family, `networks: ${key} becomes ${other}`, [remove, add], complaint);
  };
  return [
    lose(family, "networks", key, complaint),
    ...otherVerdicts(family, chain, (value) => become(family, "networks", key, value, complaint), [remove]),
    ...[-1, 1].map(otherSize),
  ];
}

/** What else an element could say; `cleanup` is what takes it away where it belongs to nobody. */
function otherVerdicts(
  family: string,
  chain: string,
  become: (value: string) => Tampering,
  cleanup: readonly string[] = [],
): Tampering[] {
  const elsewhere = become("goto other");
  return [
    ...["accept", "drop", `jump ${chain}`].map(become),
    {
      ...elsewhere,
      commands: [`add chain ${family} ${TABLE} other`, ...elsewhere.commands],
      // DEL may have deleted it.
      cleanup: [...cleanup, `add chain ${family} ${TABLE} other`, `delete chain ${family} ${TABLE} other`],
    },
  ];
}
