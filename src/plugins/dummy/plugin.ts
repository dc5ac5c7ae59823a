// The dummy plugin: an interface that leads nowhere, for addresses that a container shall have for itself.

import type { Invocation } from "../../cni/plugin.ts";
import { object } from "../../cni/schema.ts";
import { CheckError } from "../../links/check.ts";
import { createContainerLink, kindUnavailable } from "../../links/container-link.ts";
import type { Mac } from "../../wire/mac.ts";
import { interfacePlugin } from "../interface.ts";
import { mtuKey, mtuOf, ownMacKeys, ownMacOf } from "../keys.ts";
import { addressKeys } from "../shared-keys.ts";

const dummySchema = object({ mtu: mtuKey("of the interface"), ...ownMacKeys });

interface DummyConfig {
  readonly mtu: number | undefined;
  readonly mac: Mac | undefined;
}

const INFO = { kind: "dummy" } as const;

export const plugin = interfacePlugin<DummyConfig>({
  name: "dummy",
  keys: [dummySchema, addressKeys],
  ipam: "optional",
  linkKind: "dummy",
  read({ config }: Invocation) {
    const keys = dummySchema.read(config.raw, "");
    return { mtu: mtuOf(keys), mac: ownMacOf(keys, "") }; // CNI_ARGS say nothing to upstream's plugin
  },
  make({ invocation: { ifname: name }, config: { mtu, mac }, namespaces, undo }) {
    return { device: createContainerLink(namespaces, { name, mtu, mac, info: INFO }, undo), mtu };
  },
  checkRest({ link }) {
    if (!link.isUp) throw new CheckError(`interface ${link.name} in the container is down`);
  },
  unavailable: () => kindUnavailable(INFO),
});
