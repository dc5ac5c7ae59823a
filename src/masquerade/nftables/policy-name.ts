// What the name of a policy's chain tells: `outside-198.18.0.0/17`, then what stands for its options, if it has any, and
// `-apart` where the subnet is another policy's in the map `networks`.

import { type Cidr, type Family, formatCidr, parseCidr } from "../../wire/ip.ts";

const OUTSIDE = "outside-";
const APART = "-apart";

/** The name of the chain for what leaves the subnet; `key` stands for the options. nft can't read back colons in a name. */
export function policyName(subnet: Cidr, key?: string): string {
  const name = `${OUTSIDE}${formatCidr(subnet).replaceAll(":", "-")}`;
  return key === undefined ? name : `${name}-${key}`;
}

/** The same policy's chain for addresses that each have an element in `exceptions`, as another has their network. */
export function apart(chain: string): string {
  return chain.endsWith(APART) ? chain : `${chain}${APART}`;
}

/** The name without what tells how packets come to the chain: two with the same do the same. */
export function baseOf(chain: string): string {
  return chain.endsWith(APART) ? chain.slice(0, -APART.length) : chain;
}

/** The subnet in the name; undefined for a chain that is no policy's. */
export function subnetOf(chain: string): Cidr | undefined {
  const slash = chain.indexOf("/");
  if (slash < 0 || !chain.startsWith(OUTSIDE)) return undefined;
  const [length] = /^[0-9]+/.exec(chain.slice(slash + 1)) ?? [];
  return parseCidr(`${chain.slice(OUTSIDE.length, slash).replaceAll("-", ":")}/${length}`);
}

/**
 * Whether packets come to the chain by their network, rather than by an element for each address. A network of one address
 * would be no shorter.
 */
export function goesByNetwork(family: Family, chain: string): boolean {
  const one = family === 4 ? "/32" : "/128";
  return !chain.endsWith(APART) && !chain.endsWith(one) && !chain.includes(`${one}-`);
}
