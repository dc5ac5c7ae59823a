import { describe, expect, it } from "vitest";
import { addedElements, templatesOf } from "./elements.mjs";

const table = { family: "ip", table: "t" };
const LISTING = {
  nftables: [
    { metainfo: { version: "1.0.6" } },
    {
      map: {
        ...table,
        name: "owners",
        type: "ipv4_addr",
        map: "ipv6_addr",
        elem: [[{ elem: { val: "10.0.0.2", comment: "net eth0 10.0.0.2/16 resident" } }, "1:2::3"]],
      },
    },
    {
      map: {
        ...table,
        name: "policies",
        map: "verdict",
        elem: [
          ["10.0.0.20", { goto: { target: "other" } }],
          [{ elem: { val: "10.0.0.2", counter: { packets: 1, bytes: 9 } } }, { goto: { target: "10.0.0.2/16" } }],
        ],
      },
    },
    { set: { ...table, name: "members", type: "ipv4_addr", elem: ["10.0.0.2"] } },
    { set: { ...table, name: "empty", type: "ipv4_addr" } },
    { chain: { ...table, name: "postrouting" } },
  ],
};
const resident = { address: "10.0.0.2", containerId: "resident" };
const other = { address: "10.0.9.9", containerId: "0123456789abcdef0123" };

describe("the elements of an attachment", () => {
  const templates = templatesOf(LISTING, "10.0.0.2");

  it("are found in every set and map, and only the elements of its address", () => {
    expect(templates.map(({ name }) => name)).toEqual(["owners", "policies", "members"]);
    expect(templatesOf(LISTING, "10.0.0.3")).toEqual([]);
    expect(templatesOf(undefined, "10.0.0.2")).toEqual([]);
  });

  it("are copied with another address, name and owner, and nothing else is changed", () => {
    const { nftables } = addedElements(templates, resident, [other]);
    const owner = [
      { elem: { val: "10.0.9.9", comment: "net eth0 10.0.9.9/16 0123456789abcdef0123" } },
      "fd00::0123:4567:89ab:cdef",
    ];
    const policy = [{ elem: { val: "10.0.9.9" } }, { goto: { target: "10.0.0.2/16" } }];
    expect(nftables).toEqual([
      { add: { element: { ...table, name: "owners", elem: [owner] } } },
      { add: { element: { ...table, name: "policies", elem: [policy] } } },
      { add: { element: { ...table, name: "members", elem: ["10.0.9.9"] } } },
    ]);
  });
});
