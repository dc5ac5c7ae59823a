// What the host functions must do, as one list of checks that runs under Node (engine/conformance.test.ts) and inside
// the executable (engine/executable.test.ts), so that the twins cannot drift apart.

import { errno } from "../src/sys/errno.ts";
import { type Host, host } from "../src/sys/host.ts";
import { SYS } from "../src/sys/syscalls.ts";

export interface Check {
  readonly name: string;
  readonly run: () => void;
}

/** The environment variable that whoever runs the checks must set, and its value. */
export const VARIABLE = "BAUTA_CONFORMANCE";
export const VALUE = "Masquerade à la bautà 🎭";

const AT_FDCWD = -100;
const O_WRONLY = 1;
const NOTHING = new Uint8Array(0);
const MEGABYTE = 1 << 20;

/** Throws unless both are the same JSON; typed arrays count as arrays. */
function equal(actual: unknown, expected: unknown): void {
  const [got, wanted] = [show(actual), show(expected)];
  if (got !== wanted) throw new Error(`got ${got}, wanted ${wanted}`);
}

function show(value: unknown): string {
  const plain = value instanceof Uint8Array || value instanceof Int32Array ? Array.from(value) : value;
  const text = JSON.stringify(plain) ?? "undefined";
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text;
}

/** Throws unless the call throws an error of that kind. */
function throws(kind: typeof TypeError | typeof RangeError, call: () => unknown): void {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    if (error instanceof kind) return;
    throw new Error(`threw ${error}, not a ${kind.name}`, { cause: error });
  }
  throw new Error(`returned ${show(result)} instead of a ${kind.name}`);
}

const path = (text: string): Uint8Array => host.encode(`${text}\0`);

/** Opens without close-on-exec, as a library that knows no better would. */
const open = (file: string, flags = 0): number => host.syscall(SYS.openat, AT_FDCWD, path(file), flags, 0);

const syscalls: readonly Check[] = [
  {
    name: "a failed system call returns the negated errno",
    run: () => equal(open("/nowhere/at/all"), -errno("ENOENT")),
  },
  {
    name: "a view is a pointer to its own first byte, not its buffer's",
    run: () => {
      const bytes = new Uint8Array(12).fill(7);
      const fd = open("/dev/zero");
      equal(host.syscall(SYS.read, fd, bytes.subarray(4), 4), 4);
      equal(bytes, [7, 7, 7, 7, 0, 0, 0, 0, 7, 7, 7, 7]);
      equal(host.syscall(SYS.close, fd), 0);
    },
  },
  {
    name: "an Int32Array takes what the kernel writes as integers",
    run: () => {
      const ends = new Int32Array(4).fill(-1);
      equal(host.syscall(SYS.pipe2, ends.subarray(1), 0), 0);
      const [before, reader = -1, writer = -1, after] = ends;
      equal([before, after, reader > 2, writer > 2], [-1, -1, true, true]);
      equal(host.syscall(SYS.write, writer, host.encode("mask"), 4), 4);
      const bytes = new Uint8Array(8);
      equal(host.syscall(SYS.read, reader, bytes, bytes.length), 4);
      equal(host.decode(bytes.subarray(0, 4)), "mask");
      host.syscall(SYS.close, reader);
      host.syscall(SYS.close, writer);
    },
  },
  {
    name: "an empty view is a valid pointer",
    run: () => {
      const fd = open("/dev/null", O_WRONLY);
      equal(host.syscall(SYS.write, fd, NOTHING, 0), 0);
      host.syscall(SYS.close, fd);
    },
  },
  {
    name: "results beyond 32 bits come out whole",
    run: () => {
      const [PROT_NONE, MAP_PRIVATE_ANONYMOUS] = [0, 0x22];
      const address = host.syscall(SYS.mmap, 0, 4096, PROT_NONE, MAP_PRIVATE_ANONYMOUS, -1, 0);
      equal([address > 2 ** 32, address % 4096], [true, 0]);
    },
  },
  {
    name: "arguments beyond 32 bits go in whole",
    run: () => {
      const fd = open("/dev/zero");
      equal(host.syscall(SYS.ftruncate, fd, 2 ** 40), -errno("EINVAL"));
      equal(host.syscall(SYS.ftruncate, 2 ** 32 + 1000, 0), -errno("EBADF"));
      host.syscall(SYS.close, fd);
    },
  },
  {
    name: "a system call takes integers and views and nothing else",
    run: () => {
      const loose = host.syscall as (...values: unknown[]) => number;
      for (const value of ["1", 1.5, Number.NaN, Number.POSITIVE_INFINITY, null, undefined, true, 1n, {}, [1]]) {
        throws(TypeError, () => loose(SYS.close, value));
      }
      throws(TypeError, () => loose("3", -1));
      throws(TypeError, () => loose());
      throws(TypeError, () => loose(SYS.getpid, new ArrayBuffer(8)));
    },
  },
];

/** Bytes that are not UTF-8 and what they become: U+FFFD for each maximal part (Unicode 15, section 3.9). */
const ILL_FORMED: readonly (readonly [readonly number[], string])[] = [
  [[0xff], "\ufffd"],
  [[0x61, 0x80, 0x62], "a\ufffdb"],
  [[0xc3], "\ufffd"],
  [[0xc0, 0xaf], "\ufffd\ufffd"],
  [[0xe0, 0x80, 0xaf], "\ufffd\ufffd\ufffd"],
  [[0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
  [[0xe2, 0x82, 0x41], "\ufffdA"],
  [[0xf0, 0x9f, 0x8e, 0x41], "\ufffdA"],
  [[0xf0, 0x9f, 0x8e], "\ufffd"],
  [[0xf4, 0x90, 0x80, 0x80], "\ufffd\ufffd\ufffd\ufffd"],
  [[0xf5, 0x80], "\ufffd\ufffd"],
];

const texts: readonly Check[] = [
  {
    name: "text becomes UTF-8",
    run: () => {
      equal(host.encode(""), []);
      equal(host.encode("aé€🎭\0b"), [97, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x8e, 0xad, 0, 98]);
      equal([host.encode("abc").byteOffset, host.encode("abc").buffer.byteLength], [0, 3]);
    },
  },
  {
    name: "UTF-8 becomes text, beyond the basic plane and with NUL and byte order mark inside",
    run: () => {
      const text = "\ufeffaé€🎭\0\u{10ffff}b";
      equal(host.decode(host.encode(text)), text);
      equal(host.decode(NOTHING), "");
      equal(host.decode(host.encode("--mask--").subarray(2, 6)), "mask");
      const long = "ħéłłø ".repeat(20_000);
      equal(host.decode(host.encode(long)) === long, true);
    },
  },
  {
    name: "bytes that are not UTF-8 become U+FFFD, one for each maximal part",
    run: () => {
      for (const [bytes, text] of ILL_FORMED) {
        equal([bytes, host.decode(new Uint8Array(bytes))], [bytes, text]);
      }
    },
  },
  {
    name: "a surrogate without its other half becomes U+FFFD",
    run: () => {
      equal(host.encode("a\ud83cb\udfadc"), [97, 0xef, 0xbf, 0xbd, 98, 0xef, 0xbf, 0xbd, 99]);
      equal(host.encode("\ud83c"), [0xef, 0xbf, 0xbd]);
    },
  },
  {
    name: "only text is encoded and only bytes are decoded",
    run: () => {
      for (const value of [1, null, undefined, {}, ["a"]]) throws(TypeError, () => host.encode(value as never));
      for (const value of ["a", null, undefined, {}, [1]]) throws(TypeError, () => host.decode(value as never));
    },
  },
];

const surroundings: readonly Check[] = [
  {
    name: "a variable of the environment is found by its name",
    run: () => {
      equal(host.getenv(VARIABLE), VALUE);
      equal(host.getenv(`${VARIABLE}_`), undefined);
      throws(TypeError, () => host.getenv(1 as never));
      throws(RangeError, () => host.getenv("PATH\0"));
    },
  },
  {
    name: "the whole environment is a list of NAME=value",
    run: () => {
      const all = host.environ();
      equal(
        all.filter((entry) => entry.startsWith(`${VARIABLE}=`)),
        [`${VARIABLE}=${VALUE}`],
      );
      equal(
        all.every((entry) => entry.includes("=")),
        true,
      );
    },
  },
  {
    name: "arguments and machine are plain properties",
    run: () => {
      equal(Array.isArray(host.args) && host.args.every((argument) => typeof argument === "string"), true);
      equal(["x64", "arm64"].includes(host.arch), true);
    },
  },
  {
    name: "text without positions comes out of mapStack as it went in",
    run: () => {
      for (const text of ["", "    at f (native)\n", "bundle.js", "bundle.js:", "bundle.js:0:0", "à:1:2"]) {
        equal(host.mapStack(text), text);
      }
    },
  },
];

const spawn = (script: string, stdin: Uint8Array = NOTHING, limit = 4 * MEGABYTE): ReturnType<Host["spawn"]> =>
  host.spawn("/bin/sh", ["sh", "-c", script], ["PATH=/usr/bin:/bin"], stdin, limit);

/** Status, signal and output as text. */
function outcome(result: ReturnType<Host["spawn"]>): unknown {
  return typeof result === "number" ? result : [result.status, result.signal, host.decode(result.stdout)];
}

const children: readonly Check[] = [
  {
    name: "a child's output and status come back",
    run: () => equal(outcome(spawn("echo bautà; exit 7")), [7, 0, "bautà\n"]),
  },
  {
    name: "a child gets its own name, arguments and environment, and nothing else of ours",
    run: () => {
      const argv = ["mask", "-c", 'echo "$0" "$@"; env', "zero", "a b", "", "é"];
      const environment = ["ONE=1", "EMPTY=", "PATH=/usr/bin:/bin"];
      const [status, signal, text] = outcome(host.spawn("/bin/sh", argv, environment, NOTHING, 4096)) as unknown[];
      equal([status, signal], [0, 0]);
      const lines = String(text).split("\n");
      equal(lines[0], "zero a b  é");
      equal(lines.filter((line) => /^(?:ONE|EMPTY|PATH|BAUTA_\w+)=/.test(line)).sort(), environment.toSorted());
    },
  },
  {
    name: "more than a pipe holds goes in and comes out at once",
    run: () => {
      const bytes = new Uint8Array(3 * MEGABYTE + 5);
      for (let i = 0; i < bytes.length; i += 1) bytes[i] = (i * 7 + (i >> 8)) & 255;
      const result = host.spawn("/bin/cat", ["cat"], [], bytes, bytes.length);
      if (typeof result === "number") throw new Error(`spawn returned ${result}`);
      equal([result.status, result.signal, result.stdout.length], [0, 0, bytes.length]);
      equal(
        result.stdout.findIndex((byte, i) => byte !== bytes[i]),
        -1,
      );
    },
  },
  {
    name: "a child that does not read its input is no failure",
    run: () => equal(outcome(spawn("exec 0<&-; echo done", new Uint8Array(MEGABYTE))), [0, 0, "done\n"]),
  },
  {
    name: "a child that a signal ends tells which",
    run: () => equal(outcome(spawn("kill -KILL $$")), [0, 9, ""]),
  },
  {
    name: "SIGPIPE ends a child as it does by default, though we ignore it",
    run: () => equal(outcome(spawn("kill -PIPE $$; echo survived")), [0, 13, ""]),
  },
  {
    name: "what cannot be executed is a negated errno",
    run: () => {
      const run = (file: string): unknown => host.spawn(file, ["x"], [], NOTHING, 0);
      equal([run("/nowhere/at/all"), run("/dev"), run("/etc/hostname/x")], [-2, -13, -20]);
      const long = "x".repeat(MEGABYTE);
      equal(host.spawn("/bin/true", ["true", long], [], NOTHING, 0), -errno("E2BIG"));
    },
  },
  {
    name: "a child that prints beyond the limit is ended",
    run: () => {
      equal(outcome(spawn("printf 12345", NOTHING, 5)), [0, 0, "12345"]);
      equal(outcome(spawn("printf 123456", NOTHING, 5)), -errno("EMSGSIZE"));
      equal(outcome(spawn("while :; do echo mask; done", NOTHING, 100_000)), -errno("EMSGSIZE"));
    },
  },
  {
    name: "a child has descriptors 0 to 2 and no other of ours",
    run: () => {
      const opened = [open("/dev/null"), open("/dev/null"), open("/dev/zero")];
      const result = spawn("ls /proc/$$/fd; exit 0");
      for (const fd of opened) host.syscall(SYS.close, fd);
      equal(outcome(result), [0, 0, "0\n1\n2\n"]);
    },
  },
  {
    name: "no descriptor of ours stays open behind a child",
    run: () => {
      const first = open("/dev/null");
      host.syscall(SYS.close, first);
      for (let i = 0; i < 20; i += 1) {
        equal(outcome(spawn("cat", host.encode("x"))), [0, 0, "x"]);
        spawn("echo too much", NOTHING, 1);
        host.spawn("/nowhere", [], [], NOTHING, 0);
      }
      const last = open("/dev/null");
      host.syscall(SYS.close, last);
      equal(last, first);
    },
  },
  {
    name: "a child may have a huge environment",
    run: () => {
      const environment = Array.from({ length: 500 }, (_, i) => `V${i}=${"é".repeat(1000)}`);
      const result = host.spawn("/usr/bin/env", ["env"], environment, NOTHING, 4 * MEGABYTE);
      if (typeof result === "number") throw new Error(`spawn returned ${result}`);
      equal([result.status, host.decode(result.stdout) === `${environment.join("\n")}\n`], [0, true]);
    },
  },
  {
    name: "spawn takes text without NUL, lists of it, bytes and an integer, and nothing else",
    run: () => {
      const loose = host.spawn as (...values: unknown[]) => unknown;
      const good = ["/bin/true", ["true"], [], NOTHING, 0];
      equal(outcome(loose(...good) as ReturnType<Host["spawn"]>), [0, 0, ""]);
      const bad: readonly (readonly [number, unknown])[] = [
        [0, 1],
        [1, "true"],
        [1, [1]],
        [2, undefined],
        [2, { length: 1, 0: "A=b" }],
        [3, "text"],
        [3, [1]],
        [4, 1.5],
        [4, "5"],
      ];
      for (const [at, value] of bad) throws(TypeError, () => loose(...good.with(at, value as never)));
      throws(RangeError, () => loose(...good.with(0, "/bin/true\0x")));
      throws(RangeError, () => loose(...good.with(1, ["true", "a\0b"])));
    },
  },
];

export const CHECKS: readonly Check[] = [...syscalls, ...texts, ...surroundings, ...children];

/** A stack trace as it is reported, whose first line is the one with the mark. */
export function markedStack(): string {
  const error = new Error("for its stack"); // MARK
  return host.mapStack(error.stack ?? "");
}
