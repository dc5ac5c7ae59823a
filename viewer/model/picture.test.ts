import { describe, expect, it } from "vitest";
import { attachmentOf, filtered, pictureOf } from "./picture.ts";
import { type ListedAttachment, type ListedItem, NO_NODE, type NodeReport } from "./reports.ts";

const V4: ListedItem = { address: "10.22.0.2/16", policy: "outside-10.22.0.0/16", packets: 3, bytes: 180, state: "ok" };
const V6: ListedItem = { address: "fd00:22::2/64", policy: "outside-fd00-22--/64", packets: 1, bytes: 80, state: "ok" };
const uncounted = { packets: null, bytes: null, state: "ok" };
const port = (address: string, policy: string): ListedItem => ({ address, policy: `portmap ${policy}`, ...uncounted });

function listed(addresses: readonly ListedItem[], more: Partial<ListedAttachment> = {}): ListedAttachment {
  const state = addresses.find((one) => one.state !== "ok")?.state ?? "ok";
  return { network: "lan", container: "web-1", interface: "eth0", id: "a4", state, addresses, ...more };
}

const NODE: NodeReport = {
  links: [
    { name: "uplink", kind: null, up: true, master: null, addresses: ["192.0.2.1/24", "2001:db8::1/64"] },
    { name: "cni0", kind: "bridge", up: true, master: null, addresses: ["10.22.0.1/16", "fd00:22::1/64"] },
    { name: "vethda", kind: "veth", up: true, master: null, addresses: ["198.18.0.1/32"] },
  ],
  routes: [
    { to: "0.0.0.0/0", dev: "uplink", via: "192.0.2.2" },
    { to: "::/0", dev: "uplink", via: "2001:db8::2" },
    { to: "10.22.0.0/16", dev: "cni0", via: null },
    { to: "fd00:22::/64", dev: "cni0", via: null },
    { to: "198.18.0.2/32", dev: "vethda", via: null },
  ],
};

describe("an attachment", () => {
  it("has what it owns by family, and counts flows", () => {
    const { sides, health, fault } = attachmentOf(listed([V4, { ...V4, address: "10.22.0.3/16", packets: 4 }, V6]));
    expect(sides[4]).toMatchObject({ addresses: ["10.22.0.2/16", "10.22.0.3/16"], flows: 7, isMasqueraded: true });
    expect(sides[6]).toMatchObject({ addresses: ["fd00:22::2/64"], policy: "outside-fd00-22--/64", flows: 1 });
    expect([health, fault]).toEqual(["ok", ""]);
  });

  it.each(["missing", "no-policy", "taken"])("is half where one family is %s and the other is well", (state) => {
    expect(attachmentOf(listed([{ ...V4, state }, V6]))).toMatchObject({
      health: "half",
      fault: `IPv4 is not masqueraded (${state}), while IPv6 is`,
    });
    expect(attachmentOf(listed([V4, { ...V6, state }])).fault).toBe(
      `IPv6 is not masqueraded (${state}), while IPv4 is`,
    );
  });

  it("is broken where nothing is masqueraded, and where it has one family only and that is lost", () => {
    const lost = { state: "missing" };
    expect(
      attachmentOf(
        listed([
          { ...V4, ...lost },
          { ...V6, ...lost },
        ]),
      ).health,
    ).toBe("broken");
    expect(attachmentOf(listed([{ ...V4, ...lost }])).health).toBe("broken");
  });

  it("is odd, not lost, where it works otherwise than recorded, and leaving where its removal has begun", () => {
    expect(attachmentOf(listed([{ ...V4, state: "other-policy" }, V6]))).toMatchObject({
      health: "odd",
      fault: "IPv4: other-policy",
    });
    expect(attachmentOf(listed([{ ...V4, state: "leaving" }])).health).toBe("leaving");
  });

  it("has a port of both families once, with the address where it is published at one", () => {
    const addresses = [
      V4,
      port("0.0.0.0:8080/tcp", "10.22.0.2:80"),
      port("[::]:8080/tcp", "[fd00:22::2]:80"),
      port("192.0.2.1:53/udp", "10.22.0.2:5353"),
    ];
    expect(attachmentOf(listed(addresses)).ports).toEqual([
      { text: "8080 → 80/tcp", families: [4, 6], state: "ok" },
      { text: "192.0.2.1:53 → 5353/udp", families: [4], state: "ok" },
    ]);
  });

  it("does not take what other features own for masquerade", () => {
    const firewall = { address: "10.22.0.2/16", policy: "firewall open", ...uncounted, state: "missing" };
    const { sides, others, health } = attachmentOf(listed([V6, firewall]));
    expect(Object.keys(sides)).toEqual(["6"]);
    expect(others).toEqual([{ text: "10.22.0.2/16: firewall open", state: "missing" }]);
    expect(health).toBe("broken");
  });

  it("whose addresses nothing in the kernel has is lost, too: it has no policy", () => {
    expect(attachmentOf(listed([{ ...V4, policy: null, ...uncounted, state: "missing" }, V6])).health).toBe("half");
  });
});

describe("the picture", () => {
  const ptp = { ...V4, address: "198.18.0.2/17", policy: "outside-198.18.0.0/17" };
  const both = [
    listed([ptp], { network: "dual", container: "db-1", id: "52" }),
    listed([{ ...V4, state: "missing" }, V6]),
  ];

  it("has networks on their bridges, uplinks with gateways, and the address that packets leave with", () => {
    const { uplinks, networks, ill } = pictureOf(both, NODE);
    expect(uplinks).toMatchObject([{ name: "uplink", gateways: { 4: "192.0.2.2", 6: "2001:db8::2" } }]);
    expect(networks.map(({ name, how }) => [name, how])).toEqual([
      ["dual", "a veth pair each"],
      ["lan", "bridge cni0"],
    ]);
    expect(networks[1]?.families).toMatchObject({
      4: { as: "192.0.2.1", lost: 1, uplink: "uplink" },
      6: { as: "2001:db8::1", lost: 0, flows: 1, policies: ["outside-fd00-22--/64"] },
    });
    expect([ill, networks[0]?.ill, networks[1]?.ill]).toEqual([1, 0, 1]);
  });

  it("is there without anything known of the node", () => {
    expect(pictureOf(both, NO_NODE).networks[1]).toMatchObject({ device: undefined, how: "" });
    expect(pictureOf([], NO_NODE)).toEqual({ uplinks: [], networks: [], attachments: 0, ill: 0 });
  });

  it("is filtered by all words of a search, in names and addresses, and by what is ill", () => {
    const picture = pictureOf(both, NODE);
    const found = (search: string): string[] =>
      filtered(picture, search).networks.flatMap(({ attachments }) => attachments.map(({ container }) => container));
    expect(found("")).toEqual(["db-1", "web-1"]);
    expect(found("WEB")).toEqual(["web-1"]);
    expect(found("lan fd00:22")).toEqual(["web-1"]);
    expect(found("lan 198.18")).toEqual([]);
    expect(found("is:ill")).toEqual(["web-1"]);
  });
});
