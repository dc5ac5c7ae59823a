// CHECK by our executables of containers that upstream's executables have attached: either back end of theirs, either of ours
// in the configuration. Where something must be done the error names a command, and that command does it.

import { rmSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { plugin as ptp } from "../../src/plugins/ptp/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { cli } from "../support/cli.ts";
import { ourNode, peerOn, type TestNode } from "../support/differential.ts";
import { isolateSbin } from "../support/iptables-form.ts";
import { type PluginOutcome, succeed } from "../support/plugin.ts";

type Config = Readonly<Record<string, unknown>>;

beforeAll(() => isolateSbin());
afterEach(() => {
  for (const path of ["/run/bauta", "/var/lib/cni"]) rmSync(path, { recursive: true, force: true });
});

const network = (ipMasqBackend: string | undefined, more: Config = {}): Config => ({
  ...{ cniVersion: "1.1.0", name: "net1", type: "ptp", ipMasq: true },
  ...(ipMasqBackend === undefined ? {} : { ipMasqBackend }),
  ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00:1::/112" }]] },
  ...more,
});

interface Attached {
  readonly node: TestNode;
  readonly check: (config?: Config) => PluginOutcome;
}

/** A container that upstream's ptp has attached with this back end; CHECK is ours, with the configuration given. */
function attachedByUpstream(backend: string): Attached {
  const node = ourNode(ptp);
  const prevResult = succeed(peerOn(node, "ptp")({ command: "ADD", config: network(backend) }));
  const check = (config: Config = network(backend)): PluginOutcome =>
    node.call({ command: "CHECK", config: { ...config, prevResult } });
  return { node, check };
}

const failure = ({ status, json }: PluginOutcome): string => {
  expect(status).toBe(1);
  return json.msg;
};
const bauta = ({ node }: TestNode, verb: string): unknown => inNetns(node.fd, () => cli([verb]));

describe.each(["nftables", "iptables"])("CHECK of what upstream's %s back end has made", (backend) => {
  it.each([undefined, "nftables", "iptables"])(
    "succeeds with ipMasqBackend %s, before and after bauta adopt",
    (wanted) => {
      const { node, check } = attachedByUpstream(backend);
      succeed(check(network(wanted)));
      expect(bauta(node, "adopt")).toMatchObject({ status: 0, stderr: "" });
      succeed(check(network(wanted)));
      succeed(node.call({ command: "DEL", config: network(wanted) }));
    },
  );

  it("fails where the network asks for options, which upstream's rules know nothing of", () => {
    const { check } = attachedByUpstream(backend);
    const message = failure(check(network("nftables", { ipMasqOptions: { ports: "1024-2047" } })));
    expect(message).toMatch(/with other ipMasqOptions: delete the attachment, and add it again$/);
  });
});

describe("CHECK names a command that puts it right", () => {
  it("bauta adopt, where packets do not come to upstream's rules any more", () => {
    const { node, check } = attachedByUpstream("nftables");
    node.node.exec("nft", "flush", "chain", "inet", "cni_plugins_masquerade", "postrouting");
    expect(failure(check())).toMatch(/does not lead to chain masq_checks; `bauta adopt` takes it over/);
    expect(bauta(node, "adopt")).toMatchObject({ status: 0, stderr: "" });
    succeed(check());
  });

  it("bauta restore, once the attachment is ours and its elements are gone", () => {
    const { node, check } = attachedByUpstream("nftables");
    bauta(node, "adopt");
    node.node.exec("nft", "flush", "ruleset");
    expect(failure(check())).toMatch(/`bauta restore` puts it back$/);
    expect(bauta(node, "restore")).toMatchObject({ status: 0, stderr: "" });
    succeed(check());
  });

  it("none, where neither a rule nor a record tells of the address", () => {
    const { node, check } = attachedByUpstream("nftables");
    node.node.exec("nft", "flush", "chain", "inet", "cni_plugins_masquerade", "masq_checks");
    expect(failure(check())).toMatch(/no record under \/run\/bauta .*: delete the attachment, and add it again$/);
  });
});
