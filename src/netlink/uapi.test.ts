import { expect, it } from "vitest";
import { prefixed, wrongConstants } from "../../test/support/c-constants.ts";
import { NETLINK, NETLINK_OPTION, NLM_F, NLMSG, NLMSG_HDRLEN } from "./uapi.ts";

it("every number is that of the system's headers", () => {
  const constants = [
    ...prefixed({ NETLINK, NLM_F, NLMSG }),
    ...prefixed({ NETLINK: NETLINK_OPTION }),
    ...Object.entries({ NLMSG_HDRLEN }),
  ];
  expect(wrongConstants(["linux/netlink.h"], constants)).toEqual([]);
});
