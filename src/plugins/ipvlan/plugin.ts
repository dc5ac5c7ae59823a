// The ipvlan plugin: an interface with IP addresses of its own, and the MAC address of the node's interface that it hangs on.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { emptyIsAbsent, object, oneOf, withDefault } from "../../cni/schema.ts";
import { type IpvlanMode, ipvlanInfo, ipvlanModeText, modeOfInfo, withIpvlanMode } from "../../links/ipvlan-mode.ts";
import type { ParentChoice } from "../../links/parent.ts";
import type { Attaching } from "../interface.ts";
import { parentKeys, type UpperConfig, upperConfigOf } from "../keys.ts";
import { addressKeys } from "../shared-keys.ts";
import { upperPlugin } from "../upper.ts";

const mode = oneOf(["l2", "l3", "l3s"], "the layer at which packets leave for the master");
const flags = oneOf(["bridge", "private", "vepa"], "how interfaces of one master reach each other, as in ip-link(8)");

const ipvlanSchema = object({
  ...parentKeys,
  mode: withDefault(emptyIsAbsent(mode), "l2"),
  flags: withDefault(emptyIsAbsent(flags), "bridge"),
});

type IpvlanConfig = UpperConfig & IpvlanMode;

export const plugin = upperPlugin<IpvlanConfig>({
  name: "ipvlan",
  keys: [ipvlanSchema, addressKeys],
  sharesMac: true,
  read,
  given: ({ prevResult }) => prevResult,
  info: ipvlanInfo,
  choose,
  create: ({ config, namespaces, parent }, create) => withIpvlanMode(namespaces, parent, config, create),
  difference(info, config) {
    const found = modeOfInfo(info);
    const wanted = ipvlanModeText(config);
    return found === wanted ? undefined : `has the mode ${found}, not ${wanted}`;
  },
  needsParent: ({ parent }) => parent.master !== undefined,
});

function read(invocation: Invocation): IpvlanConfig {
  const { command, config, prevResult } = invocation;
  const keys = ipvlanSchema.read(config.raw, "");
  if (command === "ADD" && config.ipamType === "" && (prevResult?.ips.length ?? 0) === 0) {
    const problem = "ipam.type is missing: ipvlan takes its addresses from an IPAM plugin, or from the plugin before";
    throw new CniError(CNI_CODE.INVALID_CONFIG, problem);
  }
  return { ...upperConfigOf(keys), mode: keys.mode, flags: keys.flags };
}

/** Behind another plugin, the interface of that is the master unless the configuration names one. */
function choose({ config: { parent }, invocation }: Attaching<IpvlanConfig>): ParentChoice {
  const { prevResult, ifname } = invocation;
  if (parent.master !== undefined || prevResult === undefined) return parent;
  const [only, ...more] = prevResult.interfaces;
  if (only?.sandbox && only.name === ifname && more.length === 0) {
    const problem = `master is missing, and the plugin before has made the container's ${ifname} itself`;
    const hint = `all plugins of a list make the interface ${ifname}: name another interface by "master", or attach two networks`;
    throw new CniError(CNI_CODE.INVALID_CONFIG, problem, hint);
  }
  if (only !== undefined && only.name !== "" && more.length === 0) return { ...parent, master: only.name };
  const problem = "master is missing, and the plugin before has not made exactly one interface that could be it";
  throw new CniError(CNI_CODE.INVALID_CONFIG, problem, 'name the interface by "master"');
}
