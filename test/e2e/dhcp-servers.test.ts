// dhcp and its daemon as they were built, with the other DHCP servers of Debian than dnsmasq, which dhcp.test.ts has.

import { expect, it } from "vitest";
import { until } from "../support/background.ts";
import { DhcpCaller, Lan, OURS, startDaemon, TestServer } from "../support/dhcp.ts";
import { ONLY, startKea, startNetworkd } from "../support/dhcp-servers.ts";
import { addressesIn, poll } from "../support/netns.ts";
import { succeed } from "../support/plugin.ts";

const [DISCOVER, REQUEST] = [1, 3];

it.each([
  ["Kea", startKea],
  ["systemd-networkd", startNetworkd],
])("%s gives an address and renews it; once it was given back another container gets it", async (_, startServer) => {
  const lan = new Lan();
  const neighbour = lan.container();
  neighbour.ip("link set eth0 up");
  poll("the bridge to have a carrier", () => lan.server.ipJson("link show dev lan0")[0].operstate === "UP");
  await startServer(lan);
  const listener = new TestServer(lan);
  const { socket } = await startDaemon(OURS, ["-timeout", "1s"]);
  const containers = [lan.container(), lan.container()] as const;
  const [first, second] = containers.map((one) => new DhcpCaller(OURS, one, socket));
  if (first === undefined || second === undefined) throw new Error("there are two");
  const begun = performance.now();
  const result = succeed(await first.start("ADD"));
  expect(result).toMatchObject({
    ips: [{ address: `${ONLY.address}/24`, gateway: "192.168.77.1" }],
    routes: [{ dst: "0.0.0.0/0", gw: "192.168.77.1" }],
    dns: { nameservers: ["9.9.9.9"] },
  });
  containers[0].ip(`address add ${ONLY.address}/24 dev eth0`);
  listener.listen();
  const count = (type: number): number => listener.heard.filter((one) => one.type === type).length;
  const discovers = count(DISCOVER);
  // Beyond the end of the first lease there is a request that it be renewed, so one was before.
  await until("the second renewal", () => {
    const before = count(REQUEST);
    listener.listen();
    return performance.now() - begun > (ONLY.seconds + 1) * 1000 && count(REQUEST) > before;
  });
  expect(count(DISCOVER)).toBe(discovers);
  expect(addressesIn(containers[0])).toEqual([ONLY.address]);
  succeed(await first.start("CHECK", { prevResult: result }));
  succeed(await first.start("DEL", { prevResult: result }));
  containers[0].ip("link delete eth0"); // it would say that the address is its own
  // There is one address only. Its lease would have run for seconds more.
  const returned = performance.now();
  expect(succeed(await second.start("ADD")).ips).toMatchObject([{ address: `${ONLY.address}/24` }]);
  expect(performance.now() - returned).toBeLessThan(3000);
  succeed(await second.start("DEL"));
});
