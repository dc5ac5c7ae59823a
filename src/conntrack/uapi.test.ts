import { expect, it } from "vitest";
import { prefixed, wrongConstants } from "../../test/support/c-constants.ts";
import { IPS, NFPROTO } from "../netlink/netfilter.ts";
import { IPCTNL_MSG_CT } from "./uapi.ts";

it("every number is that of the system's headers", () => {
  const headers = [
    "linux/netfilter.h",
    "linux/netfilter/nfnetlink_conntrack.h",
    "linux/netfilter/nf_conntrack_common.h",
  ];
  expect(wrongConstants(headers, prefixed({ IPCTNL_MSG_CT, IPS, NFPROTO }))).toEqual([]);
});
