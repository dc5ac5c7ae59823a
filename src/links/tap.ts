// A tap: an interface whose other end is a program, the monitor of a virtual machine say. It is there before the program is, and
// stays when the program ends.

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Undo } from "../cni/undo.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { close, O, open } from "../sys/fd.ts";
import { ioctl } from "../sys/ioctl.ts";
import { inNetns } from "../sys/netns.ts";
import { type Codec, encode, fixed, pad, u16 } from "../wire/codec.ts";
import { IFNAMSIZ } from "../wire/ifname.ts";
import { struct } from "../wire/struct.ts";
import { nameTaken } from "./container-link.ts";
import type { Namespaces } from "./namespaces.ts";
import { IFF, TUNSETGROUP, TUNSETIFF, TUNSETOWNER, TUNSETPERSIST } from "./uapi.ts";
import { deleteLinkIfAny } from "./veth.ts";

/** The tap that an attachment asks for. */
export interface NewTap {
  readonly name: string;
  /** Whether several programs, or threads of one, may each have a queue. They must all say so when they open it. */
  readonly multiQueue: boolean;
  /** Whether a struct virtio_net_hdr is before each frame, until a program that opens the tap says otherwise. */
  readonly vnetHdr: boolean;
  /** Who may open it without CAP_NET_ADMIN: a user, a group; undefined: nobody. */
  readonly owner?: number | undefined;
  readonly group?: number | undefined;
}

const DEVICE = "/dev/net/tun";

/**
 * Makes the tap in the container, down, like `ip -n CONTAINER tuntap add NAME mode tap …`, and notes in `undo` how to remove it.
 * Throws CniError 7 where there is no such user or group, 4 where the name is taken, and 50 where the node makes no taps. `make`
 * makes the tap itself, in the namespace of the thread.
 */
export function createTap(
  { container, netns }: Pick<Namespaces, "container" | "netns">,
  wanted: NewTap,
  undo: Undo,
  make: (wanted: NewTap) => void = makePersistent,
): BriefLink {
  const { name } = wanted;
  if (getBriefLink(container, name) !== undefined) throw taken(name);
  // The tap is made in the namespace that the device was opened in.
  inNetns(netns, () => make(wanted));
  undo.defer(() => deleteLinkIfAny(container, name));
  const link = getBriefLink(container, name);
  if (link === undefined) throw new Error(`the tap ${name} has gone while it was being set up`);
  return link;
}

/** For STATUS: why this node makes no taps; undefined where it does. */
export function tapUnavailable(): string | undefined {
  try {
    close(openDriver());
    return undefined;
  } catch (error) {
    if (error instanceof CniError) return error.message;
    throw error;
  }
}

/** Makes the tap in the namespace of this thread. A tap goes with its descriptor, until it is told to stay. */
export function makePersistent({ name, multiQueue, vnetHdr, owner, group }: NewTap): void {
  const operation = `make the tap ${name}`;
  const flags = IFF.TAP | IFF.NO_PI | IFF.TUN_EXCL | (multiQueue ? IFF.MULTI_QUEUE : 0) | (vnetHdr ? IFF.VNET_HDR : 0);
  const fd = openDriver();
  try {
    try {
      ioctl(fd, TUNSETIFF, encode(ifreq, { name, flags }), operation);
    } catch (error) {
      throw hasCode(error, "EBUSY") ? taken(name) : error;
    }
    if (owner !== undefined) setId(fd, TUNSETOWNER, "owner", owner);
    if (group !== undefined) setId(fd, TUNSETGROUP, "group", group);
    ioctl(fd, TUNSETPERSIST, 1, operation);
  } finally {
    close(fd);
  }
}

function openDriver(): number {
  try {
    return open(DEVICE, O.RDWR);
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENODEV", "ENXIO")) throw error;
    const problem = `this node makes no taps: there is no ${DEVICE} (module tun)`;
    throw CniError.because(error, CNI_CODE.NOT_AVAILABLE, problem);
  }
}

function setId(fd: number, request: number, key: "owner" | "group", id: number): void {
  try {
    ioctl(fd, request, id, `set the ${key} of a tap`);
  } catch (error) {
    if (!hasCode(error, "EINVAL")) throw error;
    const what = key === "owner" ? "user" : "group";
    throw CniError.because(error, CNI_CODE.INVALID_CONFIG, `${key}: ${id} is no ${what} of this user namespace`);
  }
}

function taken(name: string): CniError {
  return new CniError(CNI_CODE.INVALID_ENVIRONMENT, `CNI_IFNAME: ${nameTaken(name)}`);
}

/** char[IFNAMSIZ], padded with NULs. */
const ifname: Codec<string> = fixed(IFNAMSIZ, {
  get: () => "",
  set: (view, at, value) => new Uint8Array(view.buffer, view.byteOffset + at, IFNAMSIZ).set(engine.encode(value)),
});

/** struct ifreq of include/uapi/linux/if.h, as TUNSETIFF takes it. */
const ifreq = struct({ name: ifname, flags: u16, _rest: pad(22) });
