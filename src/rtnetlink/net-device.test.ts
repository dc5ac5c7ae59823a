import { expect, it } from "vitest";
import { answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { expectSame, replaying, sent } from "../../test/support/rtnetlink-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { writeAttribute } from "../wire/attrs.ts";
import { bytes, cstring } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { Writer } from "../wire/writer.ts";
import { ifinfomsg, linkHeader } from "./ifinfomsg.ts";
import { addAlternativeNames, deleteAlternativeNames, getNetDevice, listNetDevices, moveLink } from "./net-device.ts";
import { IFF, IFLA, RTM } from "./uapi.ts";

const veth0 = { index: 3, name: "veth0" };

it("moveLink says what ip(8) says", () => {
  const request = moveLink({ index: 2 }, { netnsFd: 4, name: "eth0", alias: "veth1" });
  expectSame("link-move", sent(request));
  expect(request.operation()).toBe("link set if2 netns (descriptor 4) name eth0");
});

it("alternative names are added and deleted as by ip(8)", () => {
  const added = addAlternativeNames(veth0, ["a-longer-name-than-15", "b"]);
  expectSame("link-property-add", sent(added));
  expect(added.operation()).toBe("link property add dev veth0 altname a-longer-name-than-15 altname b");
  const deleted = deleteAlternativeNames(veth0, ["a-longer-name-than-15"]);
  expectSame("link-property-delete", sent(deleted));
  expect(deleted.operation()).toBe("link property del dev veth0 altname a-longer-name-than-15");
});

it("getNetDevice reads a virtual device", () => {
  expect(getNetDevice(replaying("link-show"), "veth0")).toEqual({
    ...{ index: 3, name: "veth0", alternativeNames: ["a-longer-name-than-15"], alias: "hello", isUp: false },
    ...{ mtu: 1500, mac: Uint8Array.of(2, 0, 0, 0, 0, 1), masterIndex: 4, kind: "veth" },
    ...{ permanentMac: undefined, parent: undefined },
  });
});

it("getNetDevice reads what identifies hardware", () => {
  const out = new Writer();
  ifinfomsg.encode(linkHeader({ index: 7, flags: IFF.UP }), out);
  writeAttribute(out, IFLA.IFNAME, cstring, "ens5");
  writeAttribute(out, IFLA.PERM_ADDRESS, bytes, Uint8Array.of(0x52, 0x54, 0, 0, 0, 1));
  writeAttribute(out, IFLA.PARENT_DEV_NAME, cstring, "0000:00:1f.6");
  writeAttribute(out, IFLA.PARENT_DEV_BUS_NAME, cstring, "pci");
  const kernel = new FakeKernel(answerWith(RTM.NEWLINK, () => [out.bytes().slice()]));
  expect(getNetDevice(new Connection(kernel), "ens5")).toMatchObject({
    ...{ name: "ens5", isUp: true, kind: undefined, permanentMac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1) },
    parent: { bus: "pci", name: "0000:00:1f.6" },
  });
});

it("listNetDevices reads every link", () => {
  const names = listNetDevices(replaying("link-show-all", 3)).map(({ name, kind }) => [name, kind]);
  expect(names).toEqual([
    ["lo", undefined],
    ["veth1", "veth"],
    ["veth0", "veth"],
    ["br0", "bridge"],
  ]);
});

it("an answer that is cut off is refused", () => {
  const kernel = new FakeKernel(answerWith(RTM.NEWLINK, () => [new Uint8Array(12)]));
  expect(() => getNetDevice(new Connection(kernel), "eth0")).toThrow(DecodeError);
});
