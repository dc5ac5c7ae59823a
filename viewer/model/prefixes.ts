// Which of many prefixes an address is in: the longest, as in a routing table.

import { type Cidr, contains, FAMILIES, type Family, type Ip, parseCidr, parseIp } from "../../src/wire/ip.ts";

export type { Family };
export { FAMILIES };

const V4 = /^\d{1,3}(\.\d{1,3}){3}(\/\d+)?$/;
const V6 = /^[0-9a-f]*:[0-9a-f:.]*(\/\d+)?$/i;

/**
 * 4 or 6; undefined for what is no address and no prefix. The prefix length is not needed. It goes by the look of the text, because
 * there are thousands, and bauta has written them.
 */
export function familyIn(text: string): Family | undefined {
  if (V4.test(text)) return 4;
  return V6.test(text) ? 6 : undefined;
}

/** A routing table of things. The most common prefixes, those of one address, are found at once. */
export class Prefixes<T> {
  readonly #hosts = new Map<string, T>();
  readonly #prefixes: { readonly cidr: Cidr; readonly value: T }[] = [];

  /** Adds one; of the same prefix the first counts. What is no prefix is passed over. */
  add(prefix: string, value: T): void {
    const cidr = parseCidr(prefix);
    if (cidr === undefined) return;
    if (cidr.prefixLength === cidr.ip.length * 8) {
      const key = cidr.ip.join();
      if (!this.#hosts.has(key)) this.#hosts.set(key, value);
    } else this.#prefixes.push({ cidr, value });
  }

  find(address: string): T | undefined {
    const ip = parseIp(address.replace(/\/\d+$/, ""));
    return ip === undefined ? undefined : (this.#hosts.get(ip.join()) ?? this.#longest(ip));
  }

  #longest(ip: Ip): T | undefined {
    let best: { readonly cidr: Cidr; readonly value: T } | undefined;
    for (const one of this.#prefixes) {
      const isLonger = best === undefined || one.cidr.prefixLength > best.cidr.prefixLength;
      if (isLonger && one.cidr.ip.length === ip.length && contains(one.cidr, ip)) best = one;
    }
    return best?.value;
  }
}
