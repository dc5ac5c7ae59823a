import { expect, it } from "vitest";
import { SYS } from "../sys/syscalls.ts";
import { traceDatagram } from "./trace.ts";

/** What is written to standard error for one datagram, with this in the environment. */
function written(setting: string | undefined): string {
  const { bautaEngine } = globalThis;
  const { syscall, getenv } = bautaEngine;
  let text = "";
  bautaEngine.getenv = (name) => (name === "BAUTA_TRACE" ? setting : getenv(name));
  bautaEngine.syscall = (number, ...args) => {
    const [fd, bytes] = args;
    if (number !== SYS.write || fd !== 2 || !(bytes instanceof Uint8Array)) return syscall(number, ...args);
    text += bautaEngine.decode(bytes);
    return bytes.length;
  };
  try {
    traceDatagram(">", Uint8Array.of(0x14, 0, 0, 0, 0x61));
  } finally {
    Object.assign(bautaEngine, { syscall, getenv });
  }
  return text;
}

it("BAUTA_TRACE=netlink prints every datagram in rows of four bytes", () => {
  expect(written("netlink")).toBe("> 5 bytes\n0000  14 00 00 00  ....\n0004  61           a\n");
});

it("nothing is printed otherwise", () => {
  expect(written(undefined)).toBe("");
  expect(written("nftables")).toBe("");
});
