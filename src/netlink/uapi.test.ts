import { expect, it } from "vitest";
import { prefixed, wrongConstants } from "../../test/support/c-constants.ts";
import { AF_NETLINK, NETLINK, NETLINK_OPTION, NLM_F, NLMSG, NLMSG_HDRLEN, SOCK_RAW, SOL_NETLINK } from "./uapi.ts";

it("every number is that of the system's headers", () => {
  const constants = [
    ...prefixed({ NETLINK, NLM_F, NLMSG }),
    ...prefixed({ NETLINK: NETLINK_OPTION }),
    ...Object.entries({ AF_NETLINK, SOCK_RAW, SOL_NETLINK, NLMSG_HDRLEN }),
  ];
  expect(wrongConstants(["sys/socket.h", "linux/netlink.h"], constants)).toEqual([]);
});
