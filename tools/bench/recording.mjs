// Names the system calls of a recording (recording.h), so that the kernel's time can be told by what it was asked for.

const HEADER = 24 + 8 + 8 + 6 * 8 + 6 * 4 + 4 + 4;
const PLAIN = 0xffffffff;
const NETLINK_ROUTE = 0;

/**
 * @typedef {{ name: string, result: number, args: (bigint | Buffer)[] }} Call
 * @typedef {{ label: string, group: string }} Named `group` is one of few, for a table.
 */

/**
 * Reads a recording.
 * @param {Buffer} bytes
 * @returns {Call[]}
 */
export function readRecording(bytes) {
  /** @type {Call[]} */
  const calls = [];
  for (let at = 0; at < bytes.length; ) {
    const header = bytes.subarray(at, at + HEADER);
    at += HEADER;
    const args = [0, 1, 2, 3, 4, 5].map((i) => {
      const length = header.readUInt32LE(88 + 4 * i);
      if (length === PLAIN) return header.readBigUInt64LE(40 + 8 * i);
      at += length;
      return bytes.subarray(at - length, at);
    });
    at += header.readUInt32LE(112); // the answer
    const name = header.toString("latin1", 0, 24).replace(/\0.*$/s, "");
    calls.push({ name, result: Number(header.readBigInt64LE(32)), args });
  }
  return calls;
}

/**
 * Says what each call was for: `sendto RTM_NEWLINK`, `openat /proc/sys/net/ipv6/…`.
 * @param {readonly Call[]} calls
 * @returns {Named[]}
 */
export function nameCalls(calls) {
  /** What each descriptor is, and which messages were sent last on it. @type {Map<number, { what: string, last: string }>} */
  const descriptors = new Map();
  return calls.map(({ name, result, args }) => {
    const fd = typeof args[0] === "bigint" ? Number(BigInt.asIntN(32, args[0])) : -1;
    if (name === "socket") {
      const what = Number(args[2]) === NETLINK_ROUTE ? "rtnetlink" : "nfnetlink";
      descriptors.set(result, { what, last: "" });
      return { label: `socket ${what}`, group: "sockets and namespaces" };
    }
    const path = pathOf(args);
    if (path !== undefined) {
      if (name === "openat" && result >= 0) descriptors.set(result, { what: path, last: "" });
      return { label: `${name} ${path}`, group: groupOf(path) };
    }
    return nameOnDescriptor(name, args, descriptors.get(fd));
  });
}

/**
 * @param {string} name
 * @param {readonly (bigint | Buffer)[]} args
 * @param {{ what: string, last: string } | undefined} descriptor
 * @returns {Named}
 */
function nameOnDescriptor(name, args, descriptor) {
  if (descriptor === undefined) return { label: name, group: "other" };
  const isSocket = descriptor.what === "rtnetlink" || descriptor.what === "nfnetlink";
  if (!isSocket) return { label: `${name} ${descriptor.what}`, group: groupOf(descriptor.what) };
  if (name !== "sendto" && name !== "recvfrom") {
    return { label: `${name} ${descriptor.what}`, group: "sockets and namespaces" };
  }
  if (name === "sendto" && args[1] instanceof Buffer) descriptor.last = messagesOf(args[1], descriptor.what);
  return { label: `${name} ${descriptor.last}`, group: descriptor.last };
}

/** @param {readonly (bigint | Buffer)[]} args */
function pathOf(args) {
  for (const value of args.slice(0, 2)) {
    if (typeof value !== "bigint" && value[0] === 0x2f && value.at(-1) === 0)
      return value.toString("utf8", 0, value.length - 1);
  }
  return undefined;
}

/** @param {string} path */
function groupOf(path) {
  if (path.startsWith("/proc/sys/")) return "/proc/sys";
  if (path.startsWith("/var/lib/cni")) return "host-local's files";
  if (path.startsWith("/run/bauta")) return "records";
  if (/\/ns\/net$|^\/(var\/)?run\/netns\//.test(path)) return "sockets and namespaces";
  return "other files";
}

/** @type {Readonly<Record<number, string>>} */
const ROUTE = {
  16: "RTM_NEWLINK",
  17: "RTM_DELLINK",
  18: "RTM_GETLINK",
  19: "RTM_SETLINK",
  20: "RTM_NEWADDR",
  21: "RTM_DELADDR",
  22: "RTM_GETADDR",
  24: "RTM_NEWROUTE",
  25: "RTM_DELROUTE",
  26: "RTM_GETROUTE",
  28: "RTM_NEWNEIGH",
  80: "RTM_NEWNETCONF",
  82: "RTM_GETNETCONF",
};
const NFT =
  "NEWTABLE GETTABLE DELTABLE NEWCHAIN GETCHAIN DELCHAIN NEWRULE GETRULE DELRULE NEWSET GETSET DELSET NEWSETELEM GETSETELEM DELSETELEM NEWGEN GETGEN".split(
    " ",
  );

/**
 * The messages of one send, each kind once: `RTM_NEWADDR RTM_NEWLINK`.
 * @param {Buffer} bytes
 * @param {string} protocol `rtnetlink` or `nfnetlink`
 */
export function messagesOf(bytes, protocol) {
  /** @type {Set<string>} */
  const names = new Set();
  for (let at = 0; at + 16 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    names.add(messageName(bytes.readUInt16LE(at + 4), protocol));
    if (length < 16) break;
    at += (length + 3) & ~3;
  }
  names.delete("end");
  return [...names].join(" ");
}

/**
 * @param {number} type
 * @param {string} protocol
 */
function messageName(type, protocol) {
  if (protocol === "rtnetlink") return ROUTE[type] ?? `RTM ${type}`;
  const [subsystem, message] = [type >> 8, type & 255];
  if (type === 16) return "batch";
  if (type === 17) return "end";
  if (subsystem === 10) return `NFT_${NFT[message] ?? message}`;
  return `nfnetlink ${subsystem}/${message}`;
}
