// The server outside. It answers each TCP connection and each UDP datagram, in both families, with the source address that
// it saw. It prints "ready" once it listens.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const port = Number(process.argv[2]);
const plain = (/** @type {string | undefined} */ address) => String(address).replace(/^::ffff:/, "");

createServer((socket) => socket.end(plain(socket.remoteAddress))).listen(port, "::", () => {
  const udp = createSocket({ type: "udp6" });
  udp.on("message", (_, caller) => udp.send(plain(caller.address), caller.port, caller.address));
  udp.bind(port, "::", () => process.stdout.write("ready\n"));
});
