// The skeleton of the plugins whose interface hangs on another, their "master": macvlan, ipvlan and vlan. A plugin says what the
// kernel is asked for, and what a refusal comes to.

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { OwnPlugin } from "../cni/plugin.ts";
import type { IpConfig } from "../cni/result.ts";
import { CheckError } from "../links/check.ts";
import { announcing, type ContainerSetup, type Parameter } from "../links/configure.ts";
import { isKindMissing, kindUnavailable } from "../links/container-link.ts";
import {
  checkParent,
  findParent,
  type Parent,
  type ParentChoice,
  parentUnavailable,
  requireMtuBelow,
} from "../links/parent.ts";
import { createUpperLink } from "../links/upper-link.ts";
import { listUppers, uppersText } from "../links/uppers.ts";
import type { BriefLink } from "../rtnetlink/brief-link.ts";
import type { LinkInfo } from "../rtnetlink/link-info.ts";
import { IFF } from "../rtnetlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { byFamily } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import { type Attaching, type InterfacePlugin, interfacePlugin, type Made } from "./interface.ts";
import type { UpperConfig } from "./keys.ts";

/** A plugin whose interface hangs on another. `C` is what it has read of its configuration. */
export interface UpperPlugin<C extends UpperConfig>
  extends Pick<InterfacePlugin<C>, "name" | "keys" | "read" | "sharesMac" | "given"> {
  /** The kind, with the options that the configuration asks for. */
  readonly info: (config: C) => LinkInfo;
  /** The address that the interface is made with; undefined: the kernel decides. */
  readonly mac?: (config: C) => Mac | undefined;
  /** Which link it hangs on, where that is not for the configuration alone to say. */
  readonly choose?: (attaching: Attaching<C>) => ParentChoice;
  /** Makes the link by calling `create`, and does what has to come right before or after. */
  readonly create?: (upper: Upper<C>, create: () => BriefLink) => BriefLink;
  /** Why the kernel has refused, where the plugin knows more than the skeleton. */
  readonly explain?: (error: unknown, upper: Upper<C>) => string | undefined;
  /** CHECK: how the kernel's options are other than those asked for; undefined where they are not. */
  readonly difference: (info: LinkInfo | undefined, config: C) => string | undefined;
  /** STATUS: whether the link must be on the node. */
  readonly needsParent?: (config: C) => boolean;
}

/** An interface that is being made. */
export interface Upper<C> extends Attaching<C> {
  readonly parent: Parent;
}

/** The plugin with its verbs. */
export function upperPlugin<C extends UpperConfig>(plugin: UpperPlugin<C>): OwnPlugin {
  const { difference, needsParent, info } = plugin;
  return interfacePlugin({
    ...plugin,
    ipam: "optional",
    linkKind: plugin.name,
    make: (attaching) => make(plugin, attaching),
    checkRest({ config, namespaces, link }) {
      if (!link.isUp) throw new CheckError(`interface ${link.name} in the container is down`);
      const different = difference(link.info, config);
      if (different !== undefined) throw new CheckError(`interface ${link.name} in the container ${different}`);
      checkParent(namespaces, config.parent, link);
    },
    unavailable(config) {
      const isNeeded = needsParent?.(config) ?? true;
      return kindUnavailable(info(config)) ?? (isNeeded ? parentUnavailable(config.parent) : undefined);
    },
  });
}

function make<C extends UpperConfig>(plugin: UpperPlugin<C>, attaching: Attaching<C>): Made {
  const { invocation, config, namespaces, undo } = attaching;
  const parent = findParent(namespaces, plugin.choose?.(attaching) ?? config.parent);
  requireEthernet(plugin.name, parent);
  requireMtuBelow(parent, config.mtu);
  const upper = { ...attaching, parent };
  const wanted = {
    name: invocation.ifname,
    mtu: config.mtu,
    mac: plugin.mac?.(config),
    info: plugin.info(config),
  };
  const create = (): BriefLink => {
    try {
      return createUpperLink(namespaces, parent, wanted, undo);
    } catch (error) {
      const problem = plugin.explain?.(error, upper) ?? explain(error, plugin.name, upper);
      if (problem === undefined) throw error;
      throw CniError.because(error, CNI_CODE.INVALID_CONFIG, problem);
    }
  };
  const device = plugin.create?.(upper, create) ?? create();
  return { device, mtu: config.mtu, setUp: (addresses) => setUpOf(device, config, addresses) };
}

function requireEthernet(kind: string, { link }: Parent): void {
  if ((link.flags & IFF.LOOPBACK) === 0) return;
  const problem = `master: ${JSON.stringify(link.name)} is the loopback, and no ${kind} can hang on it`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, problem);
}

/** Neighbours learn of the interface when it comes up. As with bridge, addresses can be used at once. */
function setUpOf(
  { name }: BriefLink,
  { enabledad }: UpperConfig,
  addresses: readonly IpConfig[],
): Partial<ContainerSetup> {
  const families = byFamily(addresses).map(([family]) => family);
  const detection: Parameter = [`net/ipv6/conf/${name}/accept_dad`, enabledad ? "1" : "0"];
  return { parameters: [...announcing(name, families), detection], duplicateAddressDetection: enabledad };
}

/** The kinds that take all of a link's frames, each for itself. */
const TAKERS = ["macvlan", "macvtap", "ipvlan", "ipvtap"];

function explain<C>(error: unknown, kind: string, { namespaces, parent }: Upper<C>): string | undefined {
  const master = JSON.stringify(parent.link.name);
  if (hasCode(error, "EBUSY")) {
    const owner = parent.link.masterIndex;
    if (owner !== undefined)
      return `master: ${master} is a port of another link, which gets all that ${master} receives`;
    const others = listUppers(namespaces, parent, TAKERS);
    const whose = others.length > 0 ? `${others[0]?.link.kind} ${uppersText(others)}` : "something else";
    return `master: ${master} is in use by ${whose}, and no ${kind} can be beside`;
  }
  if (hasCode(error, "EINVAL", "EOPNOTSUPP") && !isKindMissing(error)) {
    const type = parent.link.kind === undefined ? "this type" : `type ${parent.link.kind}`;
    return `master: no ${kind} can hang on ${master}, an interface of ${type}`;
  }
  return undefined;
}
