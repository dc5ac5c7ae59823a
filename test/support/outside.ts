// A host outside the node, with a server that answers with the source address of each client: it shows what masquerade does.

import { spawnSync } from "node:child_process";
import { onTestFinished } from "vitest";
import { PATIENCE_S } from "../../engine/patience.mjs";
import { startBeside } from "./background.ts";
import { makeNetns, type TestNetns } from "./netns.ts";

/** Addresses for documentation (RFC 5737, RFC 3849). */
export const NODE = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
export const OUTSIDE = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;

const PORT = 7777;

/** Connects the node to a new host, both with addresses of either family, and starts the server there. */
export async function connectOutside(node: TestNetns): Promise<TestNetns> {
  const outside = makeNetns();
  onTestFinished(() => outside.remove());
  outside.ip("link set lo up");
  node.ip(`link add uplink type veth peer name uplink netns ${outside.name}`);
  for (const [netns, addresses] of [[node, NODE] as const, [outside, OUTSIDE] as const]) {
    netns.ip(`address add ${addresses[4]}/24 dev uplink`);
    netns.ip(`address add ${addresses[6]}/64 dev uplink nodad`);
    netns.ip("link set uplink up");
  }
  await serve(outside);
  return outside;
}

/** Answers each TCP connection and UDP datagram with the address that it came from. */
const SERVER = `
  const plain = (address) => address.replace("::ffff:", "");
  const sockets = [
    require("net").createServer((one) => one.on("error", () => {}).resume().end(plain(one.remoteAddress))),
    require("dgram").createSocket("udp6"),
  ];
  const [tcp, udp] = sockets;
  udp.on("message", (_, from) => udp.send(plain(from.address), from.port, from.address));
  let missing = 2;
  for (const one of sockets) one.on("listening", () => --missing || console.log("ready"));
  tcp.listen(${PORT}, "::");
  udp.bind(${PORT}, "::");
`;

async function serve(outside: TestNetns): Promise<void> {
  await startBeside(process.execPath, ["-e", SERVER], { netns: outside }).prints(/^ready$/m);
}

/** The source address that the server sees of a client in this namespace. Throws when no answer comes. */
export function seenAs(from: TestNetns, protocol: "tcp" | "udp", server: string): string {
  // dd reads once, and so gets the whole datagram. bash reads byte by byte, and would lose all but the first one.
  const script = `exec 3<>/dev/${protocol}/${server}/${PORT} && echo >&3 && timeout ${PATIENCE_S} dd bs=1500 count=1 status=none <&3`;
  const seen = from.exec("bash", "-c", script).trim();
  if (seen === "") throw new Error(`no answer from ${server} over ${protocol}`);
  return seen;
}

/** Throws unless the address answers a ping from this namespace. `source` is the address to send from. */
export function ping(from: TestNetns, address: string, source?: string): void {
  from.exec("ping", "-n", "-q", "-c1", `-W${PATIENCE_S}`, ...(source === undefined ? [] : ["-I", source]), address);
}

/** Whether one ping from here is answered within a second. Throws when ping(8) fails for another reason than silence. */
export function isAnswered(from: TestNetns, address: string): boolean {
  const command = ["ping", "-n", "-q", "-c1", "-W1", address];
  const { status, stderr, error } = spawnSync("nsenter", [`--net=${from.path}`, ...command], { encoding: "utf8" });
  if (status === 0) return true;
  // 1 is silence. nsenter ends with 1 as well when it fails, but not in silence.
  if (status === 1 && stderr === "") return false;
  throw new Error(`${command.join(" ")} ended with status ${status}: ${stderr}`, { cause: error });
}
