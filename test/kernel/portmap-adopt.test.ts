// `bauta adopt` of ports that upstream's portmap has published, by either back end, with connections that go on.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { inNetns } from "../../src/sys/netns.ts";
import { cli } from "../support/cli.ts";
import { peerDirectory } from "../support/differential.ts";
import { poll, requireNamespaces } from "../support/netns.ts";
import { NODE, OUTSIDE } from "../support/outside.ts";
import { executable, succeed } from "../support/plugin.ts";
import { type Attached, type Mapping, PublishingNode, Server } from "../support/published-ports.ts";

beforeAll(() => requireNamespaces());
afterEach(() => {
  for (const path of ["/run/bauta", "/var/lib/cni/networks", "/var/lib/cni/results"]) {
    rmSync(path, { recursive: true, force: true });
  }
});

const FAMILIES = [4, 6] as const;
const port = (hostPort: number, protocol = "tcp", hostIP?: string): Mapping => ({
  hostPort,
  containerPort: protocol === "udp" ? 53 : 80,
  protocol,
  ...(hostIP === undefined ? {} : { hostIP }),
});

/** What a container runtime keeps of the attachment; the interface is in its name alone. */
function cacheResult({ containerId }: Attached, network: string): void {
  mkdirSync("/var/lib/cni/results", { recursive: true });
  writeFileSync(`/var/lib/cni/results/${network}-${containerId}-eth0`, "{}");
}

describe.each(["nftables", "iptables"])("by upstream's back end %s", (backend) => {
  it("moves ports into our maps, and flows go on", () => {
    const node = new PublishingNode(executable(join(peerDirectory(), "portmap")));
    const attaching = { keys: { backend } };
    const mappings = [port(8080), port(5353, "udp"), port(9090, "tcp", NODE[4])];
    const container = node.publish(mappings, attaching);
    const stray = node.publish([port(7070)], { ...attaching, network: "stray" });
    cacheResult(container, "net");
    const adopt = (...args: readonly string[]) => inNetns(node.netns.fd, () => cli(["adopt", ...args]));
    const server = new Server(container.netns, 4, "udp", 53);
    const client = server.client(node.outside, NODE[4], 5353);
    poll("a datagram", () => server.hears(client));
    const dry = adopt("--dry-run");
    expect(dry.stdout).toContain("would adopt 1 attachment\n");
    const done = adopt();
    expect(done.status).toBe(1);
    expect(done.stdout.split("\n")[0]?.split(" ").sort()).toEqual(
      [
        ...["net", container.containerId, "eth0", "0.0.0.0:8080/tcp", "0.0.0.0:5353/udp", `${NODE[4]}:9090/tcp`],
        ...["[::]:8080/tcp", "[::]:5353/udp"],
      ].sort(),
    );
    expect(done.stderr).toContain(
      `neither host-local nor a container runtime's record knows container ${stray.containerId}`,
    );
    // The flow goes on, new ones come to the same place, and upstream has nothing of the container any more.
    expect(server.hears(client)).toBe(true);
    for (const family of FAMILIES) {
      const web = new Server(container.netns, family, "tcp", 80);
      expect(web.seen(node.outside, NODE[family], 8080)).toBe(OUTSIDE[family]);
      expect(web.seen(container.netns, NODE[family], 8080)).toBe(family === 4 ? "10.9.0.1" : "fd09::1");
    }
    const text = node.nft("list ruleset") + node.netns.exec("iptables-save", "-t", "nat");
    expect(text.match(/dnat to 10\.9\.0\.2|to-destination 10\.9\.0\.2/g)).toBeNull();
    expect(text).toMatch(/dnat to 10\.9\.0\.3|to-destination 10\.9\.0\.3/);
    expect(adopt().stdout).toBe("adopted 0 attachments\n");
    cacheResult(stray, "stray");
    expect(adopt()).toMatchObject({ status: 0, stderr: "" });
    expect(node.nft("list tables")).not.toContain("cni_hostport");
    expect(inNetns(node.netns.fd, () => cli(["list"]).stdout.match(/portmap/g))).toHaveLength(7);
    succeed(node.portmap("DEL", container, mappings, attaching));
  });

  it("leaves what has conditions", () => {
    const node = new PublishingNode(executable(join(peerDirectory(), "portmap")));
    const conditionsV4 = backend === "iptables" ? ["-i", "uplink"] : ["iifname", "uplink"];
    const container = node.publish([port(8080)], { keys: { backend, conditionsV4 } });
    cacheResult(container, "net");
    const { status, stderr } = inNetns(node.netns.fd, () => cli(["adopt"]));
    expect([status, stderr]).toEqual([1, expect.stringContaining("conditions")]);
    const server = new Server(container.netns, 4, "tcp", 80);
    expect(server.seen(node.outside, NODE[4], 8080)).toBe(OUTSIDE[4]);
    expect(server.isReached(node.netns, NODE[4], 8080)).toBe(false);
  });
});
