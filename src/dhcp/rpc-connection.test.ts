import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { WatchedLoop } from "../../test/support/watched-loop.ts";
import { GobDecoder } from "../gob/decode.ts";
import { GobEncoder } from "../gob/encode.ts";
import { engine } from "../sys/engine.ts";
import { EPOLL } from "../sys/epoll.ts";
import { close, O } from "../sys/fd.ts";
import { acceptUnix, connectUnix, listenUnix, readNow, writeNow } from "../sys/unix-stream.ts";
import { CMD_ARGS, CONNECT, CONNECTED, cmdArgsToGob, REQUEST } from "./rpc.ts";
import { type Call, RpcConnection } from "./rpc-connection.ts";

const READ_SIZE = 65536;

/** A connection of the daemon's, and its other end. */
function connected(serve: (call: Call) => void = () => undefined) {
  const path = join(temporaryDirectory(), "rpc.sock");
  const listener = listenUnix("listen", path);
  const peer = connectUnix("connect", path, false);
  const fd = acceptUnix("accept", listener) ?? -1;
  onTestFinished(() => [listener, peer].forEach(close));
  const [fcntl, F_SETFL] = [engine.arch === "x64" ? 72 : 25, 4]; // include/uapi/asm-generic/fcntl.h
  expect(engine.syscall(fcntl, peer, F_SETFL, O.NONBLOCK)).toBe(0);
  const loop = new WatchedLoop();
  new RpcConnection(loop, fd, serve);
  return { loop, fd, peer };
}

const ARGS = {
  containerId: "c",
  netns: "/run/netns/c",
  ifname: "eth0",
  args: "",
  path: "",
  stdin: new Uint8Array(500),
};

/** So many calls, as they stand in the stream behind the greeting. */
function callsOf(count: number): Uint8Array {
  const encoder = new GobEncoder();
  const parts = [engine.encode(CONNECT)];
  for (let i = 0; i < count; i++) {
    parts.push(encoder.encode(REQUEST, { ServiceMethod: "DHCP.Check", Seq: i }));
    parts.push(encoder.encode(CMD_ARGS, cmdArgsToGob(ARGS)));
  }
  return new Uint8Array(Buffer.concat(parts));
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

it("reads no more calls of a peer that does not read its answers, until it does", () => {
  const { loop, fd, peer } = connected((call) => call.answer(new Error("x".repeat(1000))));
  const count = 2000;
  const calls = callsOf(count);
  let written = 0;
  const write = (): void => {
    written += writeNow("write", peer, calls.subarray(written, written + READ_SIZE));
  };
  while (written < calls.length && loop.interests.get(fd) === EPOLL.IN) {
    write();
    loop.ready(fd, EPOLL.IN);
  }
  expect(loop.interests.get(fd)).toBe(EPOLL.OUT);
  expect(written).toBeLessThan(calls.length / 2);
  const decoder = new GobDecoder();
  const heard: unknown[] = [];
  let greeting = CONNECTED.length;
  while (heard.length < 2 * count) {
    const buffer = new Uint8Array(READ_SIZE);
    const part = buffer.subarray(0, readNow("read", peer, buffer) ?? 0);
    decoder.push(part.slice(Math.min(greeting, part.length)));
    greeting -= Math.min(greeting, part.length);
    for (let value = decoder.next(); value !== undefined; value = decoder.next()) heard.push(value);
    if (written < calls.length) write();
    loop.ready(fd, loop.interests.get(fd) ?? 0);
  }
  const numbers = heard.flatMap((one, i) => (i % 2 === 0 ? (Object(one).Seq ?? 0) : []));
  expect(numbers).toEqual(Array.from({ length: count }, (_, i) => i));
});

it("ends a connection that has more calls waiting than anybody makes", () => {
  const calls: Call[] = [];
  const { loop, fd, peer } = connected((call) => calls.push(call));
  writeNow("write", peer, callsOf(64));
  loop.ready(fd, EPOLL.IN);
  expect([calls.length, loop.handlers.size]).toEqual([64, 1]);
  const { loop: second, fd: other, peer: flooder } = connected((call) => calls.push(call));
  writeNow("write", flooder, callsOf(65));
  second.ready(other, EPOLL.IN);
  expect(second.handlers.size).toBe(0);
});
