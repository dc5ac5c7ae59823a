import { expect, it } from "vitest";
import { prefixed, wrongConstants } from "../../test/support/c-constants.ts";
import { ALTIFNAMSIZ, IFNAMSIZ } from "../wire/ifname.ts";
import * as uapi from "./uapi.ts";

const HEADERS = [
  "sys/socket.h",
  "linux/rtnetlink.h",
  "linux/fib_rules.h",
  "linux/if.h",
  "linux/if_link.h",
  "linux/if_ether.h",
  "linux/if_addr.h",
  "linux/if_bridge.h",
  "linux/veth.h",
  "linux/neighbour.h",
  "linux/net_namespace.h",
  "linux/gen_stats.h",
  "linux/pkt_sched.h",
  "linux/pkt_cls.h",
  "linux/tc_act/tc_mirred.h",
];

it("every number is that of the system's headers", () => {
  const constants = [...prefixed(uapi), ["IFNAMSIZ", IFNAMSIZ] as const, ["ALTIFNAMSIZ", ALTIFNAMSIZ] as const];
  expect(wrongConstants(HEADERS, constants)).toEqual([]);
  expect(constants.length).toBeGreaterThan(150);
});

it("a wrong number, or a name that the headers do not have, is noticed", () => {
  const found = wrongConstants(HEADERS, prefixed({ RTM: { NEWLINK: 17, NEWLINKS: 16 } }));
  expect(found.join("\n")).toMatch(/RTM_NEWLINK is not 17.*RTM_NEWLINKS.* undeclared/s);
});
