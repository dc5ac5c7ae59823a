import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { WatchedLoop } from "../../test/support/watched-loop.ts";
import { engine } from "../sys/engine.ts";
import { EPOLL } from "../sys/epoll.ts";
import { close } from "../sys/fd.ts";
import { acceptUnix, connectUnix, listenUnix, readNow, writeNow } from "../sys/unix-stream.ts";
import { CONNECT } from "./rpc.ts";
import { RpcConnection } from "./rpc-connection.ts";

const READ_SIZE = 65536;

/** A connection of the daemon's, and its other end. */
function connected() {
  const path = join(temporaryDirectory(), "rpc.sock");
  const listener = listenUnix("listen", path);
  const peer = connectUnix("connect", path, false);
  const fd = acceptUnix("accept", listener) ?? -1;
  onTestFinished(() => [listener, peer].forEach(close));
  const loop = new WatchedLoop();
  new RpcConnection(loop, fd, () => undefined);
  return { loop, fd, peer };
}

it("reads one part of what a peer sends without a pause, and leaves the rest for the next turn", () => {
  const { loop, fd, peer } = connected();
  const flood = new Uint8Array(2 * READ_SIZE).fill(0x41);
  writeNow("write", peer, engine.encode(CONNECT));
  loop.ready(fd, EPOLL.IN);
  // The beginning of a message of 4 MiB.
  writeNow("write", peer, Uint8Array.of(0xfd, 0x40, 0, 0));
  expect(writeNow("write", peer, flood)).toBe(flood.length);
  loop.ready(fd, EPOLL.IN);
  expect(readNow("look what is left", fd, new Uint8Array(READ_SIZE * 4))).toBe(flood.length + 4 - READ_SIZE);
});
