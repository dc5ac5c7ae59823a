// A stream of TCP between two namespaces, for tests and measurements of rates:
//   node traffic.mjs send PORT               serves everyone who connects with zeros
//   node traffic.mjs receive ADDRESS PORT SKIP MEASURE
// `receive` passes over the first SKIP milliseconds, in which the burst goes through, and prints as JSON how many bytes came in
// about MEASURE milliseconds, and how long these took.

import { connect, createServer } from "node:net";
import { performance } from "node:perf_hooks";

const [mode, ...args] = process.argv.slice(2);
const CHUNK = 1 << 20;

if (mode === "send") {
  const zeros = new Uint8Array(CHUNK);
  createServer((socket) => {
    const fill = () => {
      while (socket.write(zeros));
    };
    socket.on("drain", fill).on("error", () => socket.destroy());
    fill();
  }).listen(Number(args[0]), "0.0.0.0", () => process.stdout.write("ready\n"));
} else {
  const [address = "", port, skip, measure] = args;
  const began = performance.now();
  let from = 0;
  let bytes = 0;
  connect({
    ...{ host: address, port: Number(port) },
    onread: {
      buffer: new Uint8Array(CHUNK),
      callback(count) {
        const now = performance.now();
        if (from === 0) {
          if (now - began >= Number(skip)) from = now;
          return true;
        }
        bytes += count;
        if (now - from >= Number(measure)) {
          process.stdout.write(`${JSON.stringify({ bytes, ms: now - from })}\n`);
          process.exit(0);
        }
        return true;
      },
    },
  });
}
