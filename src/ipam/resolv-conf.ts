// resolv.conf(5) as the `dns` of a result, with the keys and the rules of upstream's host-local.

import type { Dns } from "../cni/result.ts";

/** The name servers and the rest, in their order; of several `domain` lines the last counts. */
export function parseResolvConf(text: string): Dns {
  const nameservers: string[] = [];
  const search: string[] = [];
  const options: string[] = [];
  let domain: string | undefined;
  for (const line of text.split("\n")) {
    const [keyword, first, ...more] = line.trim().split(/\s+/);
    if (first === undefined || keyword === undefined || /^[#;]/.test(keyword)) continue;
    if (keyword === "nameserver") nameservers.push(first);
    else if (keyword === "domain") domain = first;
    else if (keyword === "search") search.push(first, ...more);
    else if (keyword === "options") options.push(first, ...more);
  }
  return { nameservers, domain, search, options };
}
