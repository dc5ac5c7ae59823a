// Rules as iptables-save(8) prints them, judged for a container's packets.

import { readListing } from "../../iptables/listing.ts";
import { lineOf, type RuleWords } from "../../iptables/rule.ts";
import { contains, type Ip, parseCidr, parseIp } from "../../wire/ip.ts";
import type { Certainty, Chains, Judged, Traffic } from "./fate.ts";

/** The table that is printed so, with this base chain. Chains of these names are passed over. */
export function wordsChains(text: string, base: string, traffic: Traffic, ignored: ReadonlySet<string>): Chains {
  const listing = readListing(text);
  return {
    isDropping: text.includes(`\n:${base} DROP `) || text.startsWith(`:${base} DROP `),
    rulesOf(chain) {
      if (ignored.has(chain)) return [];
      return (listing.get(chain) ?? []).map((words) => judge(words, traffic, (name) => listing.has(name)));
    },
  };
}

function judge(words: RuleWords, traffic: Traffic, isChain: (name: string) => boolean): Judged {
  let matches: Certainty = "yes";
  let isNegated = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const value = words[i + 1] ?? "";
    if (word === "!") {
      isNegated = true;
      continue;
    }
    const text = (): string => lineOf(words);
    if (word === "-j" || word === "-g") return { matches, action: actionOf(value, word, isChain), text };
    const one = condition(word, value, isNegated, traffic);
    if (one === "no") return { matches: "no", text };
    if (one === "perhaps") matches = "perhaps";
    isNegated = false;
    i++;
  }
  return { matches, text: () => lineOf(words) };
}

function actionOf(target: string, option: string, isChain: (name: string) => boolean): Judged["action"] {
  if (target === "ACCEPT") return { kind: "accept" };
  if (target === "DROP" || target === "REJECT") return { kind: "drop" };
  if (target === "RETURN") return { kind: "return" };
  return isChain(target) ? { kind: option === "-g" ? "goto" : "jump", chain: target } : undefined;
}

function condition(option: string, value: string, isNegated: boolean, traffic: Traffic): Certainty {
  const sure = (holds: boolean): Certainty => (holds !== isNegated ? "yes" : "no");
  switch (option) {
    case "-i":
      return traffic.in === undefined ? "perhaps" : sure(isNamed(traffic.in, value));
    case "-o":
      return traffic.out === undefined ? "perhaps" : sure(isNamed(traffic.out, value));
    case "-s":
      return address(traffic.source, value, isNegated);
    case "-d":
      return address(traffic.destination, value, isNegated);
    case "-m":
      return value === "comment" || value === "conntrack" || value === "state" ? "yes" : "no";
    case "--comment":
      return "yes";
    case "--ctstate":
    case "--state":
      return sure(value.split(",").includes(traffic.isEstablished ? "ESTABLISHED" : "NEW"));
    default:
      return "no";
  }
}

function isNamed(name: string, pattern: string): boolean {
  return pattern.endsWith("+") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** All but some means most. */
function address(ip: Ip | undefined, value: string, isNegated: boolean): Certainty {
  if (ip === undefined) return isNegated ? "perhaps" : "no";
  const single = parseIp(value);
  const prefix = parseCidr(value) ?? (single && { ip: single, prefixLength: single.length * 8 });
  if (prefix === undefined) return "no";
  return contains(prefix, ip) !== isNegated ? "yes" : "no";
}
