// Every way to spoil what `nft list ruleset` shows of our tables, one object at a time.

import { run } from "../../support/netns.ts";
import type { Json } from "./runtime.ts";

const TABLE = "bauta_masquerade";

/** A change to one object: the commands of one transaction. */
export interface Tampering {
  /** `ip: delete table` */
  readonly what: string;
  readonly commands: readonly string[];
  /** What a complaint must say. */
  readonly complaint: RegExp;
  /** Removes what is nobody's after DEL. */
  readonly cleanup: readonly string[];
}

/** All that can be removed or altered now, in both families. */
export function waysToTamper(): Tampering[] {
  return ["ip", "ip6"].flatMap((family) => {
    const objects: Json[] = JSON.parse(run("nft", "-j", "list", "table", family, TABLE)).nftables;
    const listing = run("nft", "-a", "list", "table", family, TABLE);
    const of = (kind: string): Json[] => objects.flatMap((object) => object[kind] ?? []);
    return [
      ...ofTable(family),
      ...of("map").flatMap((map) => [...ofMap(family, map, of("rule"), listing), ...ofElements(family, map)]),
      ...of("chain").flatMap((chain) => ofChain(family, chain, of("map"), rulesIn(listing, chain.name))),
    ];
  });
}

function ofTable(family: string): Tampering[] {
  return [
    tamper(family, "delete the table", [`delete table ${family} ${TABLE}`], `table ${family} ${TABLE} is missing`),
    tamper(family, "make the table dormant", [`add table ${family} ${TABLE} { flags dormant; }`], "dormant"),
  ];
}

function ofMap(family: string, map: Json, rules: readonly Json[], listing: string): Tampering[] {
  const name = `${family} ${TABLE} ${map.name}`;
  const uses = rules.filter(({ expr }) => JSON.stringify(expr).includes(`"@${map.name}"`));
  const type = `type ${map.type} : ${map.map}`;
  const remove = [
    ...uses.map(({ chain, handle }) => `delete rule ${family} ${TABLE} ${chain} handle ${handle}`),
    `delete map ${name}`,
  ];
  const rebuild = (definition: string): string[] => [
    ...remove,
    `add map ${name} { ${definition} }`,
    `add element ${name} ${elementsText(listing, map.name)}`,
    ...uses.map(({ chain }) => `add rule ${family} ${TABLE} ${chain} ${family} saddr vmap @${map.name}`),
  ];
  const counter = map.map === "verdict" ? "counter;" : "";
  return [
    tamper(family, `delete map ${map.name}`, remove, `map ${map.name} of table ${family} ${TABLE} is missing`),
    tamper(
      family,
      `let the elements of ${map.name} expire`,
      rebuild(`${type}; ${counter} timeout 1h;`),
      `map ${map.name} of table ${family} ${TABLE} has been altered`,
    ),
  ];
}

/** As nft prints them, in braces. */
function elementsText(listing: string, map: string): string {
  return /elements = (\{[^}]*\})/.exec(listing.slice(listing.indexOf(`\tmap ${map} {`)))?.[1] ?? "";
}

function ofElements(family: string, map: Json): Tampering[] {
  const name = `${family} ${TABLE} ${map.name}`;
  return map.elem.flatMap((element: Json) => {
    const key = element[0].elem?.val ?? element[0];
    const remove = `delete element ${name} { ${key} }`;
    const missing = `the element ${key} of map ${map.name} is missing`;
    const become = (value: string, complaint: string): Tampering =>
      tamper(
        family,
        `${map.name}: ${key} : ${value}`,
        [remove, `add element ${name} { ${key} : ${value} }`],
        complaint,
      );
    return [
      tamper(family, `${map.name}: delete ${key}`, [remove], missing),
      ...(map.map === "verdict"
        ? otherVerdicts(family, element[1].goto.target, (value) =>
            become(value, `the element ${key} of map ${map.name} says ${value}, not goto ${element[1].goto.target}`),
          )
        : [
            {
              ...become("2001:db8::bad", `${key} belongs to another attachment`),
              cleanup: [remove, `delete element ${family} ${TABLE} policies { ${key} }`],
            },
          ]),
    ];
  });
}

function otherVerdicts(family: string, chain: string, become: (value: string) => Tampering): Tampering[] {
  const elsewhere = become("goto other");
  return [
    ...["accept", "drop", `jump ${chain}`].map(become),
    {
      ...elsewhere,
      commands: [`add chain ${family} ${TABLE} other`, ...elsewhere.commands],
      cleanup: [`delete chain ${family} ${TABLE} other`],
    },
  ];
}

function ofChain(family: string, chain: Json, maps: readonly Json[], rules: readonly Rule[]): Tampering[] {
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
      [`flush chain ${name}`, ...rules.toReversed().map((rule) => `add rule ${name} ${rule.text}`)],
      altered,
    ),
    ...(chain.hook === undefined ? ofPolicyChain(family, chain, maps) : ofBaseChain(family, chain, rules)),
  ];
  return [...whole, ...rules.flatMap((rule) => ofRule(family, name, rule, altered))];
}

function ofPolicyChain(family: string, chain: Json, maps: readonly Json[]): Tampering[] {
  const name = `${family} ${TABLE} ${chain.name}`;
  const goingThere = maps.flatMap((map) =>
    (map.elem ?? [])
      .filter((element: Json) => element[1].goto?.target === chain.name)
      .map(
        (element: Json) => `delete element ${family} ${TABLE} ${map.name} { ${element[0].elem?.val ?? element[0]} }`,
      ),
  );
  const missing = `chain ${chain.name} of table ${family} ${TABLE} is missing`;
  return [
    tamper(family, `delete ${chain.name}`, [...goingThere, `flush chain ${name}`, `delete chain ${name}`], missing),
    {
      ...tamper(family, `rename ${chain.name}`, [`rename chain ${name} renamed`], missing),
      cleanup: [`flush chain ${family} ${TABLE} renamed`, `delete chain ${family} ${TABLE} renamed`],
    },
  ];
}

function ofBaseChain(family: string, chain: Json, rules: readonly Rule[]): Tampering[] {
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
        ...rules.map(
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

interface Rule {
  readonly text: string;
  readonly handle: string;
}

function rulesIn(listing: string, chain: string): Rule[] {
  const from = listing.slice(listing.indexOf(`\tchain ${chain} {`));
  const body = from.slice(0, from.indexOf("\n\t}"));
  return [...body.matchAll(/^\t\t(?!type )(.*) # handle (\d+)$/gm)].map(([, text = "", handle = ""]) => ({
    text,
    handle,
  }));
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
  [/ fully-random/, ""],
  [/ fully-random/, " persistent"],
  [/masquerade.*/, "accept"],
  [/counter packets \d+ bytes \d+ /, ""],
];

function ofRule(family: string, chain: string, { text, handle }: Rule, complaint: string): Tampering[] {
  const texts = ALTERATIONS.map(([pattern, replacement]) => text.replace(pattern, replacement));
  const others = [...new Set(texts)].filter((other) => other !== text);
  return [
    tamper(family, `delete “${text}”`, [`delete rule ${chain} handle ${handle}`], complaint),
    ...others.map((other) =>
      tamper(family, `“${text}” becomes “${other}”`, [`replace rule ${chain} handle ${handle} ${other}`], complaint),
    ),
  ];
}

function tamper(family: string, what: string, commands: readonly string[], complaint: string): Tampering {
  return { what: `${family}: ${what}`, commands, complaint: new RegExp(complaint), cleanup: [] };
}
