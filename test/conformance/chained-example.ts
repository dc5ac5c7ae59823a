// A chained plugin for the conformance suites to try themselves and the skeleton on. It is not shipped. It gives each
// attachment a bridge on the node beside the interface that the plugins before have made, as bandwidth gives an ifb.

import { attachmentOf, validAttachments } from "../../src/cni/attachment.ts";
import { object } from "../../src/cni/schema.ts";
import { checkLink } from "../../src/links/check.ts";
import { withNamespaces, withNode } from "../../src/links/namespaces.ts";
import { deleteLinkIfAny } from "../../src/links/veth.ts";
import { attachmentId, idText, networkId } from "../../src/owned/id.ts";
import { chainedPlugin } from "../../src/plugins/chained.ts";
import { mtuKey, mtuOf } from "../../src/plugins/keys.ts";
import { getBriefLink } from "../../src/rtnetlink/brief-link.ts";
import { addLink, listLinks } from "../../src/rtnetlink/link.ts";
import { formatMac } from "../../src/wire/mac.ts";
import type { Case } from "./cases.ts";

export const COMPANION_PREFIX = "cc";

/** Seven digits for the network, six for the rest. */
function nameFor(...[attachment]: Parameters<typeof attachmentId>): string {
  const id = idText(attachmentId(attachment));
  return `${prefixOf(attachment.network)}${id.slice(16, 22)}`;
}

const prefixOf = (network: string): string => `${COMPANION_PREFIX}${idText(networkId(network)).slice(0, 7)}`;

const keys = object({ mtu: mtuKey("of the bridge") });

export const companion = chainedPlugin({
  name: "companion",
  keys: [keys],
  read: ({ config }) => ({ mtu: mtuOf(keys.read(config.raw, "")) }),
  change({ invocation, config: { mtu }, result, undo }) {
    const name = nameFor(attachmentOf(invocation));
    return withNamespaces(invocation.netns, ({ node }) => {
      node.execute(addLink({ name, mtu, info: { kind: "bridge" } }));
      undo.defer(() => withNode((again) => deleteLinkIfAny(again, name)));
      const mac = getBriefLink(node, name)?.mac;
      if (mac === undefined) throw new Error(`the bridge ${name} has gone`);
      return { ...result, interfaces: [...result.interfaces, { name, mac: formatMac(mac) }] };
    });
  },
  check({ invocation, result }) {
    const name = nameFor(attachmentOf(invocation));
    const expected = result.interfaces.find((one) => one.name === name) ?? { name };
    withNode((node) => checkLink(node, expected, "bridge", "on the node"));
  },
  end(invocation) {
    withNode((node) => deleteLinkIfAny(node, nameFor(attachmentOf(invocation))));
  },
  collect(invocation) {
    const valid = new Set(validAttachments(invocation).map((one) => nameFor(one)));
    const isStale = (name: string): boolean => name.startsWith(prefixOf(invocation.config.name)) && !valid.has(name);
    withNode((node) => {
      for (const link of listLinks(node, { kind: "bridge" })) if (isStale(link.name)) deleteLinkIfAny(node, link);
    });
  },
  unavailable: ({ mtu }) => (mtu === 9999 ? "no bridge has an MTU of 9999" : undefined),
});

export const COMPANION_CASE: Case = {
  config: { mtu: 1400 },
  wrong: { mtu: { mtu: "1400" } },
  traces: 1,
  makesInterface: false,
  entersNetns: true,
};
