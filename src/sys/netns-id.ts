// An id of the network namespace that this thread is in.

import { hasCode } from "./error.ts";
import { close } from "./fd.ts";
import { stat } from "./file.ts";
import { inNetns, OWN_NETNS } from "./netns.ts";
import { AF, getOption, openSocket, SOCK, SOL } from "./socket.ts";

const SO_NETNS_COOKIE = 71; // include/uapi/asm-generic/socket.h, since Linux 5.14

/**
 * What tells the network namespace that this thread is in from all others, for notes that end with the boot: `cookie:1`. The
 * kernel gives no two namespaces the same cookie. Older kernels have none: there it is the device and the inode, `inode:0:4:…`,
 * which a later namespace can have again once this one is gone. Throws SyscallError.
 */
export function ownNetnsId(): string {
  const fd = openSocket("tell the network namespace", { family: AF.UNIX, type: SOCK.DGRAM, protocol: 0 });
  try {
    const cookie = new Uint8Array(8);
    getOption("tell the network namespace", fd, SOL.SOCKET, SO_NETNS_COOKIE, cookie);
    return `cookie:${new DataView(cookie.buffer).getBigUint64(0, true)}`;
  } catch (error) {
    // Any other failure must not give the same namespace another id.
    if (!hasCode(error, "ENOPROTOOPT")) throw error;
  } finally {
    close(fd);
  }
  const { device, inode } = stat(OWN_NETNS);
  return `inode:${device}:${inode}`;
}

/** The same of the network namespace with this descriptor. Throws SyscallError. */
export function netnsIdOf(netns: number): string {
  return inNetns(netns, ownNetnsId);
}
