// New flows all the time, from several containers side by side, and whom the host outside sees.

import { startBeside, until } from "../../support/background.ts";
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
  const receiver = startBeside(process.execPath, ["-e", RECEIVER], { netns: outside });
  await receiver.prints(/^ready$/m);
  const senders = containers.map((netns) => startBeside("bash", ["-c", `while :; do ${SENDER}; done`], { netns }));
  const all = (line: RegExp): string[] => [...receiver.printed().matchAll(line)].map(([, text = ""]) => text);
  return {
    hundreds: async (count) => {
      const wanted = (["4", "6"] as const).map((family) => {
        const line = new RegExp(`^more (${family})\\n`, "gm");
        return { line, total: all(line).length + count };
      });
      await until(`${count} hundred more datagrams of each family`, () =>
        wanted.every(({ line, total }) => all(line).length >= total),
      );
    },
    sources: () => all(/^source (.*)\n/gm).sort(),
    stop: async () => {
      for (const one of [receiver, ...senders]) await one.stop();
    },
  };
}
