// A veth pair with one end on the node and the other in a container.

import type { Interface } from "../cni/result.ts";
import type { Undo } from "../cni/undo.ts";
import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import type { Request } from "../netlink/message.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import type { Device, LinkRef } from "../rtnetlink/device.ts";
import { addLink, deleteLink } from "../rtnetlink/link.ts";
import { hasCode } from "../sys/error.ts";
import { randomBytes } from "../sys/process.ts";
import { trySetSysctl } from "../sys/sysctl.ts";
import { formatMac, type Mac } from "../wire/mac.ts";
import { localMac, localMacAbove } from "./local-mac.ts";
import type { Namespaces } from "./namespaces.ts";

/** The pair that an attachment asks for. */
export interface NewVeth {
  /** Name of the container's end. */
  readonly ifname: string;
  /** MTU of both ends; the kernel's 1500 when 0 or absent. */
  readonly mtu?: number | undefined;
  /** Address of the container's end; random when absent. */
  readonly mac?: Mac | undefined;
  /** Index of the bridge that the node's end becomes a port of. */
  readonly masterIndex?: number | undefined;
  /** That bridge's address, which it is to keep; absent where it has no port yet and so takes that of the node's end. */
  readonly masterMac?: Mac | undefined;
  /** Name of the node's end; "veth" and eight random digits when absent. */
  readonly nodeName?: string | undefined;
}

/** One end of a pair. */
export interface VethEnd extends Device {
  readonly name: string;
  readonly mac: Mac;
}

export interface Veth {
  /** The node's end as the kernel describes it: up, and a port of its bridge where it was to be one. */
  readonly node: BriefLink;
  /** The container's end: still down, because a veth can't be made with its peer up (ENOTCONN). */
  readonly container: VethEnd;
}

const NAME_ATTEMPTS = 10;

/** Whether an interface of a result is the node's end of a pair, by the name that createVeth gave it. */
export function isNodeEnd({ name, sandbox }: Interface): boolean {
  return !sandbox && /^veth[0-9a-f]{8}$/.test(name);
}

/**
 * Makes the pair, like `ip link add NAME up [master BRIDGE] type veth peer name IFNAME netns CONTAINER`, and notes in
 * `undo` how to remove it. Throws an Error whose cause has the code EEXIST where one of the names is taken.
 */
export function createVeth(namespaces: Namespaces, wanted: NewVeth, undo: Undo): Veth {
  const { name, mac } = addPair(namespaces, wanted, undo);
  undo.defer(() => deleteLinkIfAny(namespaces.node, name));
  const node = getBriefLink(namespaces.node, name);
  // The kernel tells the peer of a veth as the link that it hangs on.
  if (node?.linkIndex === undefined) throw new Error(`the veth ${name} has gone while it was being set up`);
  // The routes of this interface are ours: router advertisements have no say in them.
  trySetSysctl(`net/ipv6/conf/${name}/accept_ra`, "0");
  return { node, container: { index: node.linkIndex, name: wanted.ifname, mac } };
}

/** Sends the request under one random name after the other until one is free. */
function addPair(namespaces: Namespaces, wanted: NewVeth, undo: Undo): VethNames {
  for (let attempt = 1; ; attempt++) {
    const random = randomBytes(16);
    const names = {
      name: wanted.nodeName ?? `veth${hexadecimal(random.subarray(12))}`,
      nodeMac: nodeMacFor(random.subarray(0, 6), wanted),
      mac: wanted.mac ?? localMac(random.subarray(6, 12)),
    };
    try {
      namespaces.node.execute(pairRequest(names, wanted, namespaces.netns));
      return names;
    } catch (error) {
      // Where it isn't the kernel that said no, it may have said yes and not been heard.
      const isUnheard = !(error instanceof NetlinkError) && wanted.nodeName === undefined;
      if (isUnheard) undo.defer(() => deleteLinkIfAny(namespaces.node, names.name));
      if (!hasCode(error, "EEXIST")) throw new Error("failed to make veth pair", { cause: error });
      const taken = getBriefLink(namespaces.container, wanted.ifname) !== undefined;
      const given = JSON.stringify(taken ? wanted.ifname : names.name);
      if (taken) throw new Error(`container veth name (${given}) already exists`, { cause: error });
      const last = wanted.nodeName !== undefined || attempt === NAME_ATTEMPTS;
      if (last) throw new Error(`host veth name (${given}) already exists`, { cause: error });
    }
  }
}

function nodeMacFor(random: Uint8Array, { masterMac }: NewVeth): Mac {
  return masterMac === undefined ? localMac(random) : localMacAbove(random, masterMac);
}

interface VethNames {
  /** Name of the node's end. */
  readonly name: string;
  readonly nodeMac: Mac;
  /** Address of the container's end. */
  readonly mac: Mac;
}

/**
 * Both addresses are given, not left to the kernel: udev puts addresses of its own in place of those that are the
 * kernel's choice (MACAddressPolicy in systemd.link(5)), at any moment after this one.
 */
function pairRequest({ name, nodeMac, mac }: VethNames, wanted: NewVeth, netnsFd: number): Request {
  const mtu = wanted.mtu || undefined;
  return addLink({
    name,
    mac: nodeMac,
    mtu,
    txQueueLength: 0, // as upstream has it; a veth has no queue unless somebody gives it a qdisc that looks at this
    masterIndex: wanted.masterIndex,
    up: true,
    info: { kind: "veth", peer: { name: wanted.ifname, mtu, mac, netnsFd } },
  });
}

function hexadecimal(bytes: Uint8Array): string {
  return formatMac(bytes).replaceAll(":", "");
}

/** Like `ip link delete`; returns whether there was one. Of a veth pair, both ends go. */
export function deleteLinkIfAny(connection: Connection, link: LinkRef): boolean {
  try {
    connection.execute(deleteLink(link));
    return true;
  } catch (error) {
    if (hasCode(error, "ENODEV")) return false;
    throw error;
  }
}
