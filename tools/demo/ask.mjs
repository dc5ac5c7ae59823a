// ask.mjs tcp|udp ADDRESS PORT: asks the server outside for the source address that it sees, and prints the answer.

import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { PATIENCE_MS } from "../../engine/patience.mjs";

const [protocol, address, port] = process.argv.slice(2);
setTimeout(() => {
  process.stderr.write(`no answer from ${address} over ${protocol}\n`);
  process.exit(1);
}, PATIENCE_MS).unref();

if (protocol === "tcp") {
  connect({ host: address, port: Number(port) })
    .on("data", (data) => process.stdout.write(data))
    .on("error", (error) => {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    });
} else {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  socket.on("message", (data) => {
    process.stdout.write(data);
    socket.close();
  });
  socket.send("who am I?", Number(port), address);
}
