// `bauta metrics`, read as Prometheus reads it (data model and text format of its documentation; promtool is 96 MB and was run by
// hand).

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { setUpMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { parseCidr } from "../../src/wire/ip.ts";
import { becomeNode } from "../e2e/masquerade/node.ts";
import { cli } from "../support/cli.ts";
import { run } from "../support/netns.ts";

beforeAll(() => void becomeNode());

const LINE = /^([a-z_]+)(\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*\})? (\d+)$/;

/** The samples by name and labels; the text must be well formed, each metric whole and announced once. */
function metrics(): Record<string, number> {
  const { status, stdout, stderr } = cli(["metrics", "--conf-dir", "/run/net.d"]);
  expect([status, stderr, stdout.endsWith("\n")]).toEqual([0, "", true]);
  const samples: Record<string, number> = {};
  let announced = "";
  const names = new Set<string>();
  for (const line of stdout.trimEnd().split("\n")) {
    const [, comment, name = ""] = /^# (HELP|TYPE) ([a-z_]+) ./.exec(line) ?? [];
    if (comment === "HELP") {
      expect(names.has(name)).toBe(false);
      names.add(name);
      announced = name;
    } else if (comment === "TYPE") {
      expect(line).toBe(`# TYPE ${announced} gauge`);
    } else {
      const [, of, labels = "", value] = LINE.exec(line) ?? [];
      expect([line, of]).toEqual([line, announced]);
      expect(samples).not.toHaveProperty([`${of}${labels}`]);
      samples[`${of}${labels}`] = Number(value);
    }
  }
  return samples;
}

describe("bauta metrics", () => {
  it("counts attachments, what they own, and addresses", () => {
    mkdirSync("/run/net.d");
    const subnets = ["10.99.0.0/28", "fd99::/120"];
    const ipam = { type: "host-local", ranges: subnets.map((subnet) => [{ subnet }]) };
    const list = { cniVersion: "1.0.0", name: "dual", plugins: [{ type: "bridge", ipam }] };
    writeFileSync("/run/net.d/a.conflist", JSON.stringify(list));
    mkdirSync("/var/lib/cni/networks/dual", { recursive: true });
    for (const n of [2, 3]) {
      const cidrs = [`10.99.0.${n}/28`, `fd99::${n}/120`].flatMap((text) => parseCidr(text) ?? []);
      setUpMasquerade({ network: "dual", containerId: `c${n}`, ifname: "eth0" }, cidrs);
      for (const address of [`10.99.0.${n}`, `fd99::${n}`])
        writeFileSync(`/var/lib/cni/networks/dual/${address}`, `c${n}\r\neth0`);
    }
    const before = metrics();
    expect(before).toMatchObject({
      'bauta_attachments{network="dual"}': 2,
      'bauta_owned{network="dual",feature="ipMasq",state="ok"}': 4,
      'bauta_masquerade_flows{network="dual"}': 0,
      'bauta_addresses_taken{network="dual",family="4",range="10.99.0.1-10.99.0.14"}': 2,
      'bauta_addresses_free{network="dual",family="4",range="10.99.0.1-10.99.0.14"}': 11,
      'bauta_addresses_taken{network="dual",family="6",range="fd99::1-fd99::ff"}': 2,
    });
    expect(before["bauta_tracked_flows_limit"]).toBeGreaterThan(0);
    run("nft", "delete element ip bauta_masquerade members { 10.99.0.3 }");
    const after = metrics();
    expect(after['bauta_owned{network="dual",feature="ipMasq",state="ok"}']).toBe(3);
    expect(Object.keys(after).filter((name) => /state="no-policy"|state="missing"/.test(name))).toHaveLength(1);
  });

  it("needs no configuration, and no attachment", () => {
    rmSync("/run/net.d", { recursive: true, force: true });
    expect(Object.keys(metrics())[0]).toMatch(/^bauta_info\{version="[0-9.]+"\}$/);
  });
});
