// A container with several interfaces, each to a network of its own, and what ip(8) tells of its routing.

import { onTestFinished } from "vitest";
import type { TestNode } from "./differential.ts";
import { makeNetns, poll, type TestNetns } from "./netns.ts";

// biome-ignore lint/suspicious/noExplicitAny: whatever iproute2 prints
type Json = any;

/** An address with its gateway, which the other end of the link has. */
export interface Home {
  readonly address: string;
  readonly gateway?: string;
}

/** The addresses of one interface, and of another. */
export const DUAL: readonly Home[] = [
  { address: "10.7.0.2/24", gateway: "10.7.0.1" },
  { address: "fd07::2/64", gateway: "fd07::1" },
];
export const OTHER: readonly Home[] = [
  { address: "10.9.0.2/24", gateway: "10.9.0.1" },
  { address: "fd09::2/64", gateway: "fd09::1" },
];

/** An interface of the container, and the router at the other end. */
export interface Link {
  readonly router: TestNetns;
  /** What the plugins before in a list would return. */
  readonly prevResult: Json;
}

/**
 * Makes an interface of the container, a veth whose other end is in a namespace of its own with the gateways; and, with
 * `hasDefault`, a default route by way of each gateway, as IPAM plugins ask for.
 */
export function connect(
  { container }: Pick<TestNode, "container">,
  ifname: string,
  homes: readonly Home[],
  { hasDefault = true }: { readonly hasDefault?: boolean } = {},
): Link {
  const router = makeNetns();
  onTestFinished(() => router.remove());
  for (const netns of [container, router]) netns.exec("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  router.ip(`link add to-container up type veth peer name ${ifname} netns ${container.name}`);
  container.ip("link set lo up");
  container.ip(`link set ${ifname} up`);
  container.exec("sysctl", "-qw", `net.ipv6.conf.${ifname}.keep_addr_on_down=1`);
  const families = new Set<boolean>();
  for (const { address, gateway } of homes) {
    const [, length] = address.split("/");
    container.ip(`address add ${address} dev ${ifname}${address.includes(":") ? " nodad" : ""}`);
    if (gateway === undefined) continue;
    router.ip(`address add ${gateway}/${length} dev to-container${gateway.includes(":") ? " nodad" : ""}`);
    const isFirst = !families.has(gateway.includes(":"));
    families.add(gateway.includes(":"));
    if (hasDefault && isFirst) container.ip(`route prepend default via ${gateway} dev ${ifname}`);
  }
  // The kernel makes it a moment after the link is up; a picture of the routes from before that has nothing to do with a plugin.
  poll(`the link-local route of ${ifname}`, () => routesOf(container).includes(`fe80::/64 dev ${ifname}`));
  const mac = container.ipJson(`link show ${ifname}`)[0].address;
  const prevResult = {
    cniVersion: "1.1.0",
    interfaces: [{ name: ifname, mac, sandbox: container.path }],
    ips: homes.map((home) => ({ ...home, interface: 0 })),
    ...(families.size === 0 ? {} : { routes: [...families].map((is6) => ({ dst: is6 ? "::/0" : "0.0.0.0/0" })) }),
  };
  return { router, prevResult };
}

/** What leads to the container's own addresses, or to several stations. */
const OTHER_TYPES = ["local", "broadcast", "anycast", "multicast"];

/** The routes of a table, each as `DST via GATEWAY dev DEVICE src SOURCE`, in ip(8)'s order; IPv4 first. */
export function routesOf(container: TestNetns, table: number | string = "main"): string[] {
  return ["-4", "-6"].flatMap((family) => {
    // ip(8) fails where a table never had a route.
    const shown: Json[] = (() => {
      try {
        return container.ipJson(`${family} route show table ${table}`);
      } catch {
        return [];
      }
    })();
    return shown
      .filter(({ type }) => !OTHER_TYPES.includes(type))
      .flatMap(({ dst, gateway, dev, prefsrc, nexthops, type }: Json) => {
        const text = (hop: Json): string =>
          [
            type === "unreachable" ? "unreachable " : "",
            dst === "default" && family === "-6" ? "::/0" : dst,
            hop.gateway === undefined ? "" : ` via ${hop.gateway}`,
            hop.dev === undefined ? "" : ` dev ${hop.dev}`,
            prefsrc === undefined ? "" : ` src ${prefsrc}`,
          ].join("");
        return nexthops === undefined ? [text({ gateway, dev })] : nexthops.map(text);
      });
  });
}

/** The rules that are not the kernel's own, each as `FROM lookup TABLE`, in the order that packets meet them. */
export function rulesOf(container: TestNetns): string[] {
  return ["-4", "-6"].flatMap((family) => {
    const shown: Json[] = container.ipJson(`${family} rule show`);
    const text = ({ src, srclen, table }: Json): string =>
      `from ${src}${srclen === undefined ? "" : `/${srclen}`} lookup ${table}`;
    return shown.filter(({ table, src }) => src !== "all" || !["local", "main", "default"].includes(table)).map(text);
  });
}
