// The tap plugin: an interface of the container whose other end a program has, the monitor of a virtual machine as a rule.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { OwnPlugin } from "../../cni/plugin.ts";
import { CheckError } from "../../links/check.ts";
import { announcing } from "../../links/configure.ts";
import { localMac } from "../../links/local-mac.ts";
import { createTap, type NewTap, tapUnavailable } from "../../links/tap.ts";
import { makeByErrand, makeUnderContext } from "../../links/tap-context.ts";
import type { Connection } from "../../netlink/connection.ts";
import { type BriefLink, getBriefLink } from "../../rtnetlink/brief-link.ts";
import type { Device } from "../../rtnetlink/device.ts";
import { setLink } from "../../rtnetlink/link.ts";
import { hasCode } from "../../sys/error.ts";
import { randomBytes } from "../../sys/process.ts";
import { type Attaching, type Checking, interfacePlugin, type Made } from "../interface.ts";
import { addressKeys } from "../shared-keys.ts";
import { readTapConfig, type TapConfig, tapSchema } from "./config.ts";

export const plugin: OwnPlugin = {
  ...interfacePlugin({
    name: "tap",
    keys: [tapSchema, addressKeys],
    ipam: "optional",
    linkKind: "tun",
    read: readTapConfig,
    make,
    checkRest,
    unavailable: tapUnavailable,
  }),
  errand: makeByErrand,
};

function make({ invocation: { ifname: name }, config, namespaces, undo }: Attaching<TapConfig>): Made {
  const { container } = namespaces;
  const bridge = config.bridge === undefined ? undefined : requireBridge(container, config.bridge);
  const { selinuxContext: context } = config;
  const under = context === undefined ? undefined : (wanted: NewTap) => makeUnderContext(wanted, context);
  const link = createTap(namespaces, { name, ...config }, undo, under);
  const mac = config.mac ?? localMac(randomBytes(6));
  if (config.mtu !== undefined) setMtu(container, link, config.mtu);
  container.executeAll([
    setLink(link, { mac }),
    ...(bridge === undefined ? [] : [setLink(link, { masterIndex: bridge.index })]),
  ]);
  return {
    device: { index: link.index, name, mac },
    mtu: config.mtu,
    setUp: () => ({ parameters: announcing(name) }),
  };
}

function requireBridge(container: Connection, name: string): BriefLink {
  const found = getBriefLink(container, name);
  if (found?.kind === "bridge") return found;
  const what = found === undefined ? "no link of this name" : `a link of this name that is no bridge`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, `bridge: ${JSON.stringify(name)}: the container has ${what}`);
}

function setMtu(container: Connection, link: Device, mtu: number): void {
  try {
    container.execute(setLink(link, { mtu }));
  } catch (error) {
    if (!hasCode(error, "EINVAL")) throw error;
    throw CniError.because(error, CNI_CODE.INVALID_CONFIG, `mtu: no tap can have ${mtu}`);
  }
}

const TYPE_TAP = 2;

/** Whether a program has opened the tap with a virtio header is the program's business. */
function checkRest({ config, namespaces: { container }, link }: Checking<TapConfig>): void {
  const info = link.info?.kind === "tun" && "type" in link.info ? link.info : undefined;
  const bridge = link.masterIndex === undefined ? undefined : getBriefLink(container, { index: link.masterIndex });
  const pairs: readonly (readonly [what: string, found: unknown, wanted: unknown])[] = [
    ["type", info?.type, TYPE_TAP],
    ["multiQueue", info?.multiQueue ?? false, config.multiQueue],
    ["owner", info?.owner, config.owner],
    ["group", info?.group, config.group],
    ["mtu", config.mtu === undefined ? undefined : link.mtu, config.mtu],
    ["bridge", config.bridge === undefined ? undefined : bridge?.name, config.bridge],
  ];
  const faults = pairs.filter(([, found, wanted]) => found !== wanted).map(faultText);
  if (faults.length > 0) throw new CheckError(`the tap ${link.name} is not as configured: ${faults.join("; ")}`);
}

function faultText([what, found, wanted]: readonly [string, unknown, unknown]): string {
  return `${what} is ${found ?? "not set"}, not ${wanted ?? "unset"}`;
}
