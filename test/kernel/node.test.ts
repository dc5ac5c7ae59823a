// `bauta node` beside ip(8): a bridge with ports, a veth pair of its own, an uplink with default routes.

import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { unshareNetns } from "../../src/sys/netns.ts";
import { cli } from "../support/cli.ts";
import { poll, requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => {
  unshareNetns();
  const commands = `link set lo up
link add uplink type veth peer name far
link set uplink up
link set far up
address add 192.0.2.1/24 dev uplink
address add 2001:db8::1/64 dev uplink nodad
link add cni0 type bridge
link set cni0 up
address add 10.22.0.1/16 dev cni0
link add port type veth peer name inner
link set port master cni0
link set port up
link set inner up
link add single type veth peer name other
link set single up
route add 198.18.0.2/32 dev single
route add default via 192.0.2.2
-6 route add default via 2001:db8::2
route add 203.0.113.0/24 nexthop via 192.0.2.3 nexthop via 10.22.0.9
route add blackhole 198.51.100.0/24`;
  for (const line of commands.split("\n")) run("ip", ...line.split(" "));
});

const seen = () => JSON.parse(cli(["node", "--json"]).stdout);

describe("bauta node", () => {
  it("has the interfaces with addresses or routes, as ip has them, and no port of a bridge that has neither", () => {
    const { links } = seen();
    expect(links.map(({ name }: { name: string }) => name)).toEqual(["uplink", "cni0", "single"]);
    // biome-ignore lint/suspicious/noExplicitAny: whatever ip prints
    const byIp: any[] = JSON.parse(run("ip", "-j", "-d", "address", "show"));
    for (const { name, kind, addresses } of links) {
      const shown = byIp.find(({ ifname }) => ifname === name);
      expect(kind).toBe(shown.linkinfo.info_kind);
      const global = shown.addr_info.filter(({ scope }: { scope: string }) => scope === "global");
      expect(addresses).toEqual(
        global.map(({ local, prefixlen }: { local: string; prefixlen: number }) => `${local}/${prefixlen}`),
      );
    }
    expect(links[0]).toMatchObject({ up: true, master: null, addresses: ["192.0.2.1/24", "2001:db8::1/64"] });
    run("ip", "link", "set", "far", "down");
    expect(seen().links[0].up).toBe(false);
  });

  it("has the routes of the main table, one for each next hop, and none that leads nowhere", () => {
    expect(seen().routes).toEqual(
      expect.arrayContaining([
        { to: "0.0.0.0/0", dev: "uplink", via: "192.0.2.2" },
        { to: "::/0", dev: "uplink", via: "2001:db8::2" },
        { to: "198.18.0.2/32", dev: "single", via: null },
        { to: "10.22.0.0/16", dev: "cni0", via: null },
        { to: "203.0.113.0/24", dev: "uplink", via: "192.0.2.3" },
        { to: "203.0.113.0/24", dev: "cni0", via: "10.22.0.9" },
      ]),
    );
    expect(JSON.stringify(seen().routes)).not.toMatch(/198\.51\.100|fe80/);
  });

  it("is a table for people", () => {
    poll("carrier of cni0", () => /LOWER_UP/.test(run("ip", "link", "show", "cni0")));
    expect(cli(["node"]).stdout).toBe(`INTERFACE  KIND    UP   ADDRESSES
uplink     veth    yes  192.0.2.1/24 2001:db8::1/64
cni0       bridge  yes  10.22.0.1/16
single     veth    no
`);
  });
});
