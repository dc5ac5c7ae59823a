import { describe, expect, it } from "vitest";
import { ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { asked, expectSame, replaying, sent } from "../../test/support/rtnetlink-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import { errno } from "../sys/errno.ts";
import { DecodeError } from "../wire/error.ts";
import { type Mac, parseMac } from "../wire/mac.ts";
import { addLink, decodeLink, deleteLink, getLink, listLinks, renameLink, setLink, showLink } from "./link.ts";
import { ETH_P, IF_OPER, IFF, IFLA, IN6_ADDR_GEN_MODE, IPVLAN_F, IPVLAN_MODE, MACVLAN_MODE, RTM } from "./uapi.ts";

function mac(text: string): Mac {
  const found = parseMac(text);
  if (found === undefined) throw new TypeError(`${text} is no MAC address`);
  return found;
}

describe("addLink", () => {
  it("says what ip(8) says for a bridge", () => {
    expectSame("link-add-bridge", sent(addLink({ name: "br0", info: { kind: "bridge" } })));
  });

  it("says what ip(8) says for a bridge with options", () => {
    const info = {
      kind: "bridge",
      vlanFiltering: true,
      vlanDefaultPvid: 0,
      ageingTime: 100,
      stpState: 1,
      multicastSnooping: false,
    } as const;
    expectSame("link-add-bridge-options", sent(addLink({ name: "br0", mtu: 1400, info })));
  });

  it("sends what ip(8) sends for a veth pair whose peer is made in another namespace", () => {
    const peer = { name: "eth0", mtu: 1400, mac: mac("0a:58:0a:16:00:05"), netnsFd: 4 };
    expectSame("link-add-veth", sent(addLink({ name: "vethabc", mtu: 1400, info: { kind: "veth", peer } })));
  });

  it("says what ip(8) says for a veth that is up, has an index and is a bridge's port", () => {
    const link = {
      name: "vethabc",
      index: 7,
      mac: mac("02:00:00:00:00:07"),
      masterIndex: 2,
      up: true,
      info: { kind: "veth", peer: { name: "eth0" } },
    } as const;
    expectSame("link-add-veth-up-master", sent(addLink(link)));
  });

  it("says what ip(8) says for a VLAN", () => {
    const info = { kind: "vlan", id: 5, protocol: ETH_P["8021AD"] } as const;
    expectSame("link-add-vlan", sent(addLink({ name: "veth0.5", linkIndex: 3, info })));
  });

  it("says what ip(8) says for a macvlan and an ipvlan in another namespace", () => {
    const place = { name: "eth0", linkIndex: 3, netnsFd: 4 };
    const macvlan = { kind: "macvlan", mode: MACVLAN_MODE.PRIVATE, bcQueueLength: 500 } as const;
    const [address, mtu] = [mac("02:00:00:00:00:09"), 1400];
    expectSame("link-add-macvlan", sent(addLink({ ...place, mac: address, mtu, info: macvlan })));
    const ipvlan = { kind: "ipvlan", mode: IPVLAN_MODE.L3S, flags: IPVLAN_F.PRIVATE } as const;
    expectSame("link-add-ipvlan", sent(addLink({ ...place, info: ipvlan })));
  });

  it("says what ip(8) says for a VRF", () => {
    const vrf = { name: "red", up: true, info: { kind: "vrf", table: 1000 } } as const;
    expectSame("link-add-vrf", sent(addLink(vrf)));
    const { info } = decodeLink({ ...sent(addLink(vrf)), type: RTM.NEWLINK });
    expect(info).toEqual({ kind: "vrf", table: 1000 });
  });

  it("says what ip(8) says for a kind without options", () => {
    expectSame("link-add-dummy", sent(addLink({ name: "d0", txQueueLength: 500, info: { kind: "dummy" } })));
  });

  it("says what ip(8) says for an ifb, up at once", () => {
    const ifb = { name: "bwp0", up: true, mtu: 1400, txQueueLength: 0, info: { kind: "ifb" } } as const;
    expectSame("link-add-ifb", sent(addLink(ifb)));
  });

  it("makes a link of a kind that it has no table for", () => {
    const data = Uint8Array.of(8, 0, 1, 0, 10, 0, 0, 0);
    const request = sent(addLink({ name: "v0", info: { kind: "unknown", name: "bond", data } }));
    const { info, kind } = decodeLink({ ...request, type: RTM.NEWLINK });
    expect({ info, kind }).toEqual({ info: { kind: "unknown", name: "bond", data }, kind: "bond" });
  });

  it("names a failed request by its ip(8) command, with the name of the peer", () => {
    const veth = addLink({ name: "vethabc", info: { kind: "veth", peer: { name: "eth0" } } });
    expect(veth.operation()).toBe("link add vethabc type veth peer name eth0");
    expect(addLink({ name: "br0", info: { kind: "bridge" } }).operation()).toBe("link add br0 type bridge");
  });

  it.each(["", "sixteen-letters-", "zürich-zürich-z"])("refuses %j, which is no name of a link", (name) => {
    expect(() => sent(addLink({ name, info: { kind: "bridge" } }))).toThrow(RangeError);
  });
});

describe("setLink", () => {
  const veth0 = { index: 3, name: "veth0" };

  it("says what ip(8) says to bring a link up", () => {
    expectSame("link-set-up", sent(setLink(veth0, { up: true })));
  });

  it("says what ip(8) says for several flags at once", () => {
    expectSame("link-set-down-promisc", sent(setLink(veth0, { up: false, promisc: true, allMulticast: false })));
  });

  it("says what ip(8) says for address, MTU, queue length and master", () => {
    const settings = { mac: mac("02:00:00:00:00:09"), mtu: 1280, txQueueLength: 77, masterIndex: 4 };
    expectSame("link-set-attributes", sent(setLink(veth0, settings)));
  });

  it("says what ip(8) says to take a port from its master", () => {
    expectSame("link-set-nomaster", sent(setLink(veth0, { masterIndex: 0 })));
  });

  it("says what ip(8) says to move a link to another namespace", () => {
    expectSame("link-set-netns", sent(setLink({ index: 2 }, { netnsFd: 4 })));
  });

  it("says what ip(8) says for an alias, which has no NUL", () => {
    expectSame("link-set-alias", sent(setLink(veth0, { alias: "network/container" })));
  });

  it("says what ip(8) says for the way a link makes its IPv6 addresses", () => {
    expectSame("link-set-addrgenmode", sent(setLink(veth0, { addressGenerationMode: IN6_ADDR_GEN_MODE.NONE })));
  });

  it("says what ip(8) says for the options of a bridge that is there", () => {
    const info = {
      kind: "bridge",
      ageingTime: 0,
      callIptables: true,
      forwardDelay: 200,
      helloTime: 100,
      maxAge: 600,
      priority: 4096,
      groupForwardMask: 8,
      callIp6tables: true,
      vlanProtocol: ETH_P["8021Q"],
    } as const;
    expectSame("link-set-bridge-options", sent(setLink({ index: 2 }, { info })));
  });

  it("names the link where it has no index of it", () => {
    const request = decodeLink(sent(setLink("lo", { up: true })));
    expect(request).toMatchObject({ index: 0, name: "lo", isUp: true });
  });

  it("names a failed request by its ip(8) command", () => {
    expect(setLink("lo", { up: true }).operation()).toBe("link set lo up");
    expect(setLink({ index: 7 }, { up: false, promisc: true, allMulticast: false }).operation()).toBe(
      "link set if7 down promisc on allmulticast off",
    );
    const all = { masterIndex: 4, mtu: 9000, mac: mac("02:00:00:00:00:01"), alias: "a b", netnsFd: 5 };
    expect(setLink(veth0, all).operation()).toBe(
      'link set veth0 master if4 mtu 9000 address 02:00:00:00:00:01 alias "a b" netns (descriptor 5)',
    );
    expect(setLink(veth0, { masterIndex: 0 }).operation()).toBe("link set veth0 nomaster");
    expect(setLink("br0", { info: { kind: "bridge", ageingTime: 0 } }).operation()).toBe("link set br0 type bridge");
  });
});

describe("renameLink and deleteLink", () => {
  it("say what ip(8) says", () => {
    expectSame("link-set-name", sent(renameLink({ index: 3 }, "eth0")));
    expectSame("link-delete", sent(deleteLink({ index: 3 })));
  });

  it("tell what failed as a person would type it", () => {
    expect(renameLink({ index: 3, name: "veth0" }, "eth0").operation()).toBe("link set veth0 name eth0");
    expect(deleteLink("veth0").operation()).toBe("link delete veth0");
  });
});

describe("showLink", () => {
  it("asks as ip(8) does, apart from the filter of details", () => {
    expectSame("link-show", sent(showLink("veth0")), { at: 0, without: [IFLA.EXT_MASK] });
  });

  it("asks for a long name as an alternative name", () => {
    const request = sent(showLink("a-longer-name-than-15"));
    expectSame("link-show-altname", request, { at: 0, without: [IFLA.EXT_MASK] });
  });

  it("counts bytes, not characters, to tell long names", () => {
    expect(sent(showLink("zürich-zürich-z")).payload).toContain(IFLA.ALT_IFNAME);
  });
});

describe("getLink", () => {
  it("reads the port of a bridge", () => {
    const connection = replaying("link-show");
    expect(getLink(connection, "veth0")).toEqual({
      index: 3,
      name: "veth0",
      alternativeNames: ["a-longer-name-than-15"],
      alias: "hello",
      flags: IFF.BROADCAST | IFF.MULTICAST,
      isUp: false,
      operState: IF_OPER.DOWN,
      mtu: 1500,
      mac: mac("02:00:00:00:00:01"),
      masterIndex: 4,
      linkIndex: 2,
      linkNetnsId: undefined,
      txQueueLength: 1000,
      promiscuity: 1,
      addressGenerationMode: IN6_ADDR_GEN_MODE.EUI64,
      kind: "veth",
      info: { kind: "veth" },
      port: expect.objectContaining({
        kind: "bridge",
        state: 0,
        priority: 32,
        cost: 2,
        hairpin: false,
        learning: true,
        flood: true,
        isolated: false,
      }),
    });
  });

  it("reads the options of a bridge", () => {
    const connection = replaying("link-show-bridge");
    const link = getLink(connection, { index: 2 });
    expect(link).toMatchObject({ kind: "bridge", port: undefined, masterIndex: undefined, linkIndex: undefined });
    expect(link?.info).toMatchObject({
      kind: "bridge",
      forwardDelay: 1500,
      helloTime: 200,
      maxAge: 2000,
      ageingTime: 30000,
      stpState: 0,
      priority: 32768,
      vlanFiltering: false,
      groupForwardMask: 0,
      multicastSnooping: true,
      callIptables: false,
      callIp6tables: false,
    });
  });

  it("reads a tap, and who may open it", () => {
    expect(getLink(replaying("link-show-tap"), "tap0")).toMatchObject({
      kind: "tun",
      info: {
        ...{ kind: "tun", type: 2, owner: 1000, group: 1001, pi: false, vnetHdr: true, persist: true },
        ...{ multiQueue: true, queues: 0, disabledQueues: 0 },
      },
    });
  });

  it("reads a VLAN and its parent, with what it has no name for", () => {
    expect(getLink(replaying("link-show-vlan"), "veth0.5")).toMatchObject({
      name: "veth0.5",
      mac: mac("02:00:00:00:00:05"),
      kind: "vlan",
      info: { kind: "vlan", id: 5, protocol: ETH_P["8021AD"], unknown: [{ type: 2, payload: expect.anything() }] },
      linkIndex: 4,
    });
  });

  it("reads a macvlan", () => {
    expect(getLink(replaying("link-show-macvlan"), "mac0")).toMatchObject({
      mac: mac("02:00:00:00:00:09"),
      linkIndex: 3,
      linkNetnsId: undefined,
      info: { kind: "macvlan", mode: MACVLAN_MODE.VEPA, flags: 0, bcQueueLength: 77 },
    });
  });

  it("returns undefined when there is no such link", () => {
    const kernel = new FakeKernel((requests) => requests.map((request) => ack(request, errno("ENODEV"))));
    expect(getLink(new Connection(kernel), "nope")).toBeUndefined();
  });

  it("throws when the kernel says anything else", () => {
    const kernel = new FakeKernel((requests) => requests.map((request) => ack(request, errno("EPERM"))));
    expect(() => getLink(new Connection(kernel), "eth0")).toThrow(NetlinkError);
    expect(() => getLink(new Connection(kernel), "eth0")).toThrow(
      "cannot link show eth0: EPERM: Operation not permitted",
    );
  });

  it("refuses an answer that is cut off", () => {
    const kernel = new FakeKernel(answerWith(RTM.NEWLINK, () => [new Uint8Array(12)]));
    expect(() => getLink(new Connection(kernel), "eth0")).toThrow(DecodeError);
  });
});

describe("listLinks", () => {
  it("asks as ip(8) does, apart from the filter of details", () => {
    // ip(8) fills in AF_PACKET where we have AF_UNSPEC: for links both mean all.
    const options = { without: [IFLA.EXT_MASK], family: 17 };
    for (const [golden, only] of [
      ["link-show-all", {}],
      ["link-show-master", { masterIndex: 4 }],
      ["link-show-type", { kind: "veth" }],
    ] as const) {
      const request = asked((connection) => listLinks(connection, only));
      expectSame(golden, request, options);
    }
  });

  it("reads every link of a list", () => {
    for (const perDatagram of [1, 3, 100]) {
      const links = listLinks(replaying("link-show-all", perDatagram));
      expect(links.map(({ name, kind }) => [name, kind])).toEqual([
        ["lo", undefined],
        ["veth1", "veth"],
        ["veth0", "veth"],
        ["br0", "bridge"],
      ]);
    }
  });
});
