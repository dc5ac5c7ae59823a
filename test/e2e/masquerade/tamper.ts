// Every way to spoil what `nft list ruleset` shows of our tables, one object at a time.

import { run } from "../../support/netns.ts";
import type { Json } from "./runtime.ts";
import { ofElements, ofSet } from "./tamper-sets.ts";
import { type Listing, referencesTo, TABLE, type Tampering, tamper } from "./tampering.ts";

/** All that can be removed or altered now, in both families. */
export function waysToTamper(): Tampering[] {
  return ["ip", "ip6"].flatMap((family) => {
    const listing = read(family);
    return [
      ...ofTable(family),
      ...listing.sets.flatMap((set) => [...ofSet(listing, set), ...ofElements(listing, set)]),
      ...listing.chains.flatMap((chain) => ofChain(listing, chain)),
    ];
  });
}

function read(family: string): Listing {
  const objects: Json[] = JSON.parse(run("nft", "-j", "list", "table", family, TABLE)).nftables;
  const text = run("nft", "-a", "list", "table", family, TABLE);
  return {
    family,
    text,
    sets: objects.flatMap(({ set, map }) => set ?? map ?? []),
    chains: objects
      .flatMap(({ chain }) => chain ?? [])
      .map((chain) => ({ ...chain, rules: rulesIn(text, chain.name) })),
  };
}

function rulesIn(text: string, chain: string): Rule[] {
  const from = text.slice(text.indexOf(`\tchain ${chain} {`));
  const body = from.slice(0, from.indexOf("\n\t}"));
  return [...body.matchAll(/^\t\t(?!type )(.*) # handle (\d+)$/gm)].map(([, rule = "", handle = ""]) => ({
    text: rule,
    handle,
  }));
}

function ofTable(family: string): Tampering[] {
  return [
    tamper(family, "delete the table", [`delete table ${family} ${TABLE}`], `table ${family} ${TABLE} is missing`),
    tamper(family, "make the table dormant", [`add table ${family} ${TABLE} { flags dormant; }`], "dormant"),
  ];
}

type Chain = Listing["chains"][number];
type Rule = Chain["rules"][number];

function ofChain(listing: Listing, chain: Chain): Tampering[] {
  const { family } = listing;
  const name = `${family} ${TABLE} ${chain.name}`;
  const text = `chain ${chain.name} of table ${family} ${TABLE}`;
  const altered = `${text} has been altered`;
  const whole = [
    tamper(family, `flush ${chain.name}`, [`flush chain ${name}`], altered),
    tamper(family, `insert a rule into ${chain.name}`, [`insert rule ${name} accept`], altered),
    tamper(family, `add a rule to ${chain.name}`, [`add rule ${name} counter`], altered),
    tamper(
      family,
      `turn the rules of ${chain.name} round`,
      [`flush chain ${name}`, ...chain.rules.toReversed().map((rule) => `add rule ${name} ${rule.text}`)],
      altered,
    ),
    ...(chain.hook === undefined ? ofPolicyChain(listing, chain) : ofBaseChain(family, chain)),
  ];
  return [...whole, ...chain.rules.flatMap((rule) => ofRule(family, chain.name, rule, altered))];
}

function ofPolicyChain(listing: Listing, chain: Chain): Tampering[] {
  const { family } = listing;
  const name = `${family} ${TABLE} ${chain.name}`;
  const goingThere = referencesTo(listing, chain.name);
  const remove = goingThere.map(({ map, key }) => `delete element ${family} ${TABLE} ${map} { ${key} }`);
  const networks = remove.filter((_, i) => goingThere[i]?.map === "networks"); // which is nobody's
  // Once nothing leads to it, which of its policy's two chains it was cannot be told.
  const missing = `chain ${chain.name.replace(/-apart$/, "(-apart)?")} of table ${family} ${TABLE} is missing`;
  return [
    tamper(family, `delete ${chain.name}`, [...remove, `flush chain ${name}`, `delete chain ${name}`], missing),
    {
      ...tamper(family, `rename ${chain.name}`, [`rename chain ${name} renamed`], missing),
      cleanup: [...networks, `flush chain ${family} ${TABLE} renamed`, `delete chain ${family} ${TABLE} renamed`],
    },
  ];
}

function ofBaseChain(family: string, chain: Chain): Tampering[] {
  const name = `${family} ${TABLE} ${chain.name}`;
  const text = `chain ${chain.name} of table ${family} ${TABLE}`;
  const remove = [`flush chain ${name}`, `delete chain ${name}`];
  const instead = (definition: string): Tampering =>
    tamper(
      family,
      `${chain.name} becomes ${definition}`,
      [
        ...remove,
        `add chain ${name} { ${definition} }`,
        ...chain.rules.map(
          (rule) => `add rule ${name} ${definition.includes("nat hook postrouting") ? rule.text : "return"}`,
        ),
      ],
      `${text} is not the base chain it should be`,
    );
  return [
    tamper(family, `delete ${chain.name}`, remove, `${text} is missing`),
    tamper(family, `${chain.name} drops`, [`add chain ${name} { policy drop; }`], `${text} has been altered`),
    instead("type nat hook postrouting priority 90;"),
    instead("type nat hook input priority 100;"),
    instead("type filter hook postrouting priority 100;"),
  ];
}

const ALTERATIONS: readonly (readonly [RegExp, string])[] = [
  [/return$/, "accept"],
  [/224\.0\.0\.0\/4/, "225.0.0.0/8"],
  [/ff00::\/8/, "ff0e::/16"],
  [/\/17/, "/16"],
  [/\/112/, "/64"],
  [/daddr (\S+) return/, "daddr != $1 return"],
  [/ip(6?) daddr (\S+) return/, "ip$1 saddr $2 return"],
  [/saddr vmap/, "daddr vmap"],
  [/saddr @members/, "daddr @members"],
  [/saddr @members/, "saddr != @members"],
  [/ip6? saddr @members /, ""],
  [/vmap @(exceptions|networks)/, "vmap @policies"],
  [/ fully-random/, ""],
  [/ fully-random/, " persistent"],
  [/:20000-20999/, ":20000-20998"],
  [/ to :20000-20999/, ""],
  [/masquerade.*/, "accept"],
  [/counter packets \d+ bytes \d+ /, ""],
];

function ofRule(family: string, chain: string, { text, handle }: Rule, complaint: string): Tampering[] {
  const texts = ALTERATIONS.map(([pattern, replacement]) => text.replace(pattern, replacement));
  const others = [...new Set(texts)].filter((other) => other !== text);
  const rule = `rule ${family} ${TABLE} ${chain} handle ${handle}`;
  return [
    tamper(family, `${chain}: delete “${text}”`, [`delete ${rule}`], complaint),
    ...others.map((other) =>
      tamper(family, `${chain}: “${text}” becomes “${other}”`, [`replace ${rule} ${other}`], complaint),
    ),
  ];
}
