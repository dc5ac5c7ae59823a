// System calls: numbers and views in, a result or a negated errno out.

import { engine } from "../../src/sys/engine.ts";
import { errno } from "../../src/sys/errno.ts";
import { SYS } from "../../src/sys/syscalls.ts";
import { AT_FDCWD, type Check, equal, NOTHING, open, throws } from "./check.ts";

const O_WRONLY = 1;

export const CALLS: readonly Check[] = [
  {
    name: "a failed system call returns the negated errno",
    run: () => equal(open("/nowhere/at/all"), -errno("ENOENT")),
  },
  {
    name: "a view is a pointer to its own first byte, not its buffer's",
    run: () => {
      const bytes = new Uint8Array(12).fill(7);
      const fd = open("/dev/zero");
      equal(engine.syscall(SYS.read, fd, bytes.subarray(4), 4), 4);
      equal(bytes, [7, 7, 7, 7, 0, 0, 0, 0, 7, 7, 7, 7]);
      equal(engine.syscall(SYS.close, fd), 0);
    },
  },
  {
    name: "an Int32Array takes what the kernel writes as integers",
    run: () => {
      const ends = new Int32Array(4).fill(-1);
      equal(engine.syscall(SYS.pipe2, ends.subarray(1), 0), 0);
      const [before, reader = -1, writer = -1, after] = ends;
      equal([before, after, reader > 2, writer > 2], [-1, -1, true, true]);
      equal(engine.syscall(SYS.write, writer, engine.encode("mask"), 4), 4);
      const bytes = new Uint8Array(8);
      equal(engine.syscall(SYS.read, reader, bytes, bytes.length), 4);
      equal(engine.decode(bytes.subarray(0, 4)), "mask");
      engine.syscall(SYS.close, reader);
      engine.syscall(SYS.close, writer);
    },
  },
  {
    name: "the address of a view is a pointer to its first byte",
    run: () => {
      const ends = new Int32Array(2);
      equal(engine.syscall(SYS.pipe2, ends, 0), 0);
      const [reader = -1, writer = -1] = ends;
      const bytes = engine.encode("a struct");
      equal(engine.syscall(SYS.write, writer, engine.address(bytes.subarray(2)), 6), 6);
      const read = new Uint8Array(6);
      equal(engine.syscall(SYS.read, reader, engine.address(read), 6), 6);
      equal(engine.decode(read), "struct");
      for (const fd of ends) engine.syscall(SYS.close, fd);
    },
  },
  {
    name: "an address is that of a view, of nothing else",
    // @ts-expect-error the engine checks what the types forbid
    run: () => throws(TypeError, () => engine.address("text")),
  },
  {
    name: "an empty view is a valid pointer",
    run: () => {
      const fd = open("/dev/null", O_WRONLY);
      equal(engine.syscall(SYS.write, fd, NOTHING, 0), 0);
      engine.syscall(SYS.close, fd);
    },
  },
  {
    name: "results beyond 32 bits come out whole",
    run: () => {
      const [PROT_NONE, MAP_PRIVATE_ANONYMOUS] = [0, 0x22];
      const address = engine.syscall(SYS.mmap, 0, 4096, PROT_NONE, MAP_PRIVATE_ANONYMOUS, -1, 0);
      equal([address > 2 ** 32, address % 4096], [true, 0]);
    },
  },
  {
    name: "arguments beyond 32 bits go in whole",
    run: () => {
      const fd = open("/dev/zero");
      equal(engine.syscall(SYS.ftruncate, fd, 2 ** 40), -errno("EINVAL"));
      equal(engine.syscall(SYS.ftruncate, 2 ** 32 + 1000, 0), -errno("EBADF"));
      engine.syscall(SYS.close, fd);
    },
  },
  {
    name: "an argument that is undefined is 0",
    run: () => {
      const fd = open("/dev/zero");
      const copies = [engine.syscall(SYS.fcntl, fd, undefined, fd), engine.syscall(SYS.fcntl, fd, 0, fd)]; // F_DUPFD
      equal(
        copies.every((copy) => copy > fd),
        true,
      );
      for (const one of [fd, ...copies]) engine.syscall(SYS.close, one);
    },
  },
  {
    name: "text is a pointer to its UTF-8, which ends with a NUL",
    run: () => {
      const ends = new Int32Array(2);
      equal(engine.syscall(SYS.pipe2, ends, 0), 0);
      const [reader = -1, writer = -1] = ends;
      for (const text of ["mask", "bautà 🎭", "half \ud83c of a pair", ""]) {
        const wanted = [...engine.encode(text), 0];
        equal(engine.syscall(SYS.write, writer, text, wanted.length), wanted.length);
        const bytes = new Uint8Array(wanted.length);
        equal(engine.syscall(SYS.read, reader, bytes, bytes.length), bytes.length);
        equal(bytes, wanted);
      }
      for (const fd of ends) engine.syscall(SYS.close, fd);
    },
  },
  {
    name: "two texts of one call are apart",
    run: () => {
      const [from, to] = ["/nowhere/from", "/nowhere/to"];
      equal(engine.syscall(SYS.renameat, AT_FDCWD, from, AT_FDCWD, to), -errno("ENOENT"));
      equal([from, to], ["/nowhere/from", "/nowhere/to"]);
    },
  },
  {
    name: "text with a NUL in it is refused",
    run: () => throws(RangeError, () => engine.syscall(SYS.openat, AT_FDCWD, "/dev\0/zero", 0, 0)),
  },
  {
    name: "a system call takes integers, views and text and nothing else",
    run: () => {
      const loose = engine.syscall as (...values: unknown[]) => number;
      for (const value of [1.5, Number.NaN, Number.POSITIVE_INFINITY, null, true, 1n, {}, [1]]) {
        throws(TypeError, () => loose(SYS.close, value));
        throws(TypeError, () => loose(SYS.openat, AT_FDCWD, "/dev/null", value));
      }
      throws(TypeError, () => loose("3", -1));
      throws(TypeError, () => loose(undefined));
      throws(TypeError, () => loose());
      throws(TypeError, () => loose(SYS.getpid, new ArrayBuffer(8)));
    },
  },
];
