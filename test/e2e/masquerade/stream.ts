// New flows all the time, from several containers side by side, and whom the host outside sees.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import type { TestNetns } from "../../support/netns.ts";
import { OUTSIDE } from "./node.ts";

const PORT = 7778;

/** Tells every source when it is first seen, and every hundredth datagram of each family. */
const RECEIVER = `
  const seen = new Set();
  const count = { 4: 0, 6: 0 };
  const socket = require("dgram").createSocket("udp6");
  socket.on("message", (_, { address }) => {
    const family = address.startsWith("::ffff:") ? 4 : 6;
    if (!seen.has(address)) console.log("source " + address.replace("::ffff:", ""));
    seen.add(address);
    if (++count[family] % 100 === 0) console.log("more " + family);
  });
  socket.bind(${PORT}, "::", () => console.log("ready"));
`;

/** Each datagram has a socket, and so a port and a flow, of its own. */
const SENDER = [...Object.values(OUTSIDE)].map((address) => `echo > /dev/udp/${address}/${PORT}`).join("; ");

export interface Stream {
  /** Resolves when so many hundreds of further datagrams have come of each family. */
  readonly hundreds: (count: number) => Promise<void>;
  /** The sources seen so far, in order. */
  readonly sources: () => string[];
  /** Ends it; the containers can be removed then. */
  readonly stop: () => Promise<void>;
}

/** Begins to send from these containers, and ends with the running test at the latest. */
export async function startStream(containers: readonly TestNetns[], outside: TestNetns): Promise<Stream> {
  const receiver = inside(outside, process.execPath, "-e", RECEIVER);
  const children: ChildProcess[] = [receiver];
  const sources = new Set<string>();
  const waiting: { family: string; left: number; done: () => void }[] = [];
  let rest = "";
  const hear = (line: string): void => {
    if (line.startsWith("source ")) sources.add(line.slice("source ".length));
    for (const one of waiting) if (line === `more ${one.family}` && --one.left === 0) one.done();
  };
  const ready = new Promise<void>((done) => {
    receiver.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      if (lines.includes("ready")) done();
      lines.forEach(hear);
    });
  });
  const stop = async (): Promise<void> => {
    for (const child of children.splice(0)) {
      const ended = once(child, "close");
      child.kill("SIGKILL");
      await ended;
    }
  };
  onTestFinished(stop);
  await ready;
  for (const container of containers) children.push(inside(container, "bash", "-c", `while :; do ${SENDER}; done`));
  const hundreds = async (left: number): Promise<void> => {
    await Promise.all(["4", "6"].map((family) => new Promise<void>((done) => waiting.push({ family, left, done }))));
  };
  return { hundreds, sources: () => [...sources].sort(), stop };
}

/** A process in this namespace; nsenter becomes the program, so that a signal reaches it. */
function inside(netns: TestNetns, ...command: readonly string[]): ChildProcess {
  return spawn("nsenter", [`--net=${netns.path}`, ...command], { stdio: ["ignore", "pipe", "inherit"] });
}
