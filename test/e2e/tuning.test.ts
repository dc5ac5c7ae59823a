// The tuning plugin as the executable: what the kernel tests say of it under Node holds on its own engine, too.

import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { builtNode } from "../support/differential.ts";
import { coverEtc } from "../support/operators-etc.ts";
import { succeed } from "../support/plugin.ts";
import { backups, linkOf, makeInterface, parameter } from "../support/tuned-container.ts";

describe("tuning, the executable", () => {
  const keys = {
    ...{ mac: "C2-11-22-33-44-55", mtu: 1400, promisc: true, allmulti: true, txQLen: 50 },
    sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1", "net/ipv4/tcp_wmem": "4096 87380 5000000" },
  };

  it("tunes, checks and restores", () => {
    const node = builtNode("tuning");
    const { dataDir } = node;
    const config = {
      cniVersion: "1.1.0",
      name: "net",
      type: "tuning",
      dataDir,
      ...keys,
      prevResult: makeInterface(node),
    };
    const before = linkOf(node);
    const prevResult = succeed(node.call({ command: "ADD", config }));
    expect(prevResult.interfaces[1]).toMatchObject({ mac: "c2:11:22:33:44:55", mtu: 1400 });
    const tuned = { mac: "c2:11:22:33:44:55", mtu: 1400, txqlen: 50, promisc: true, allmulti: true };
    expect([linkOf(node), parameter(node, "net/ipv4/conf/eth0/arp_filter")]).toMatchObject([tuned, "1"]);
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
    expect([linkOf(node), backups(node)]).toEqual([before, {}]);
  });

  it("reads the operator's list, and finds a key that is there twice", () => {
    onTestFinished(coverEtc());
    mkdirSync("/etc/cni/tuning", { recursive: true });
    writeFileSync(
      "/etc/cni/tuning/allowlist.conf",
      "^net\\.ipv4\\.conf\\.(?:IFNAME|all)\\.[[:lower:]_]{2,20}$\n(?i)TCP_WMEM\n(x",
    );
    const node = builtNode("tuning");
    const config = { cniVersion: "1.1.0", name: "net", type: "tuning", ...keys, prevResult: makeInterface(node) };
    const prevResult = succeed(node.call({ command: "ADD", config: { ...config, dataDir: node.dataDir } }));
    succeed(node.call({ command: "DEL", config: { ...config, dataDir: node.dataDir, prevResult } }));
    const other = { "net.ipv4.ip_forward": "1" };
    expect(node.call({ command: "ADD", config: { ...config, sysctl: other } }).json).toMatchObject({
      code: 7,
      msg: expect.stringContaining("line 3 is no regular expression of RE2: character 2: a ( without its )"),
    });
    const text = JSON.stringify(config).replace('"sysctl":{', '"sysctl":{"net/ipv4/tcp_wmem":"1",');
    expect(node.call({ command: "ADD", config: text }).json).toMatchObject({
      code: 7,
      msg: 'sysctl["net/ipv4/tcp_wmem"] is there twice',
    });
  });
});
