// The vlan plugin: an interface for one VLAN of an interface of the node.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { linkReference } from "../../cni/fields.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { object } from "../../cni/schema.ts";
import { listUppers, uppersText } from "../../links/uppers.ts";
import type { BriefLink } from "../../rtnetlink/brief-link.ts";
import type { LinkInfo } from "../../rtnetlink/link-info.ts";
import { hasCode } from "../../sys/error.ts";
import { parentKeys, type UpperConfig, upperConfigOf, vlanId } from "../keys.ts";
import { addressKeys } from "../shared-keys.ts";
import { type Upper, upperPlugin } from "../upper.ts";

const vlanSchema = object({
  ...parentKeys,
  master: linkReference("the interface whose VLAN it is"),
  vlanId: vlanId(1, "the VLAN's id"),
});

interface VlanConfig extends UpperConfig {
  readonly vlanId: number;
}

export const plugin = upperPlugin<VlanConfig>({
  name: "vlan",
  keys: [vlanSchema, addressKeys],
  sharesMac: true,
  read({ config }: Invocation) {
    const keys = vlanSchema.read(config.raw, "");
    return { ...upperConfigOf(keys), vlanId: keys.vlanId };
  },
  info: ({ vlanId: id }) => ({ kind: "vlan", id }),
  create,
  explain,
  difference(info, { vlanId: id }) {
    const found = idOf(info);
    return found === id ? undefined : `has the VLAN id ${found}, not ${id}`;
  },
});

/** A VLAN comes up only above an interface that is up (vlan_dev_open() in net/8021q/vlan_dev.c). */
function create({ parent: { link } }: Upper<VlanConfig>, make: () => BriefLink): BriefLink {
  if (link.isUp) return make();
  const problem = `master: ${JSON.stringify(link.name)} is down, and a VLAN of it cannot come up`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, problem, `ip link set ${link.name} up`);
}

/** An interface has each VLAN once. */
function explain(
  error: unknown,
  { config: { vlanId: id }, namespaces, parent }: Upper<VlanConfig>,
): string | undefined {
  if (!hasCode(error, "EEXIST")) return undefined;
  const holders = listUppers(namespaces, parent, ["vlan"]).filter(({ link }) => idOf(link.info) === id);
  const who = holders.length > 0 ? ` by ${uppersText(holders)}` : " in another network namespace";
  return `vlanId: VLAN ${id} of ${JSON.stringify(parent.link.name)} is taken${who}: each container needs a VLAN of its own`;
}

function idOf(info: LinkInfo | undefined): number | undefined {
  return info?.kind === "vlan" && "id" in info ? info.id : undefined;
}
