// Programs that the engine runs.

import { type Engine, engine } from "../../src/sys/engine.ts";
import { errno } from "../../src/sys/errno.ts";
import { SYS } from "../../src/sys/syscalls.ts";
import { type Check, equal, MEGABYTE, NOTHING, open, throws } from "./check.ts";

const spawn = (script: string, stdin: Uint8Array = NOTHING, limit = 4 * MEGABYTE): ReturnType<Engine["spawn"]> =>
  engine.spawn("/bin/sh", ["sh", "-c", script], ["PATH=/usr/bin:/bin"], stdin, limit);

/** Status, signal and output as text. */
function outcome(result: ReturnType<Engine["spawn"]>): unknown {
  return typeof result === "number" ? result : [result.status, result.signal, engine.decode(result.stdout)];
}

export const CHILDREN: readonly Check[] = [
  {
    name: "a child's output and status come back",
    run: () => equal(outcome(spawn("echo bautà; exit 7")), [7, 0, "bautà\n"]),
  },
  {
    name: "a child gets its own name, arguments and environment, and nothing else of ours",
    run: () => {
      const argv = ["mask", "-c", 'echo "$0" "$@"; env', "zero", "a b", "", "é"];
      const environment = ["ONE=1", "EMPTY=", "PATH=/usr/bin:/bin"];
      const [status, signal, text] = outcome(engine.spawn("/bin/sh", argv, environment, NOTHING, 4096)) as unknown[];
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
      const result = engine.spawn("/bin/cat", ["cat"], [], bytes, bytes.length);
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
    name: "a child that does not end in time is killed with its children",
    run: () => {
      const argv = ["sh", "-c", "sleep 60 & exec >&- sleep 60"];
      for (const script of [argv, ["sh", "-c", "sleep 60 & exit 0"]]) {
        const late = engine.spawn("/bin/sh", script, ["PATH=/usr/bin:/bin"], NOTHING, 4096, undefined, 200);
        equal(late, -errno("ETIMEDOUT"));
      }
      const inTime = engine.spawn("/bin/sh", ["sh", "-c", "echo done"], [], NOTHING, 4096, undefined, 60_000);
      equal(outcome(inTime), [0, 0, "done\n"]);
    },
  },
  {
    name: "what cannot be executed is a negated errno",
    run: () => {
      const run = (file: string): unknown => engine.spawn(file, ["x"], [], NOTHING, 0);
      equal([run("/nowhere/at/all"), run("/dev"), run("/etc/hostname/x")], [-2, -13, -20]);
      const long = "x".repeat(MEGABYTE);
      equal(engine.spawn("/bin/true", ["true", long], [], NOTHING, 0), -errno("E2BIG"));
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
    name: "a child's standard error is collected up to a limit, beyond which it still runs to its end",
    run: () => {
      const shell = (script: string, limit: number): ReturnType<Engine["spawn"]> =>
        engine.spawn("/bin/sh", ["sh", "-c", script], ["PATH=/usr/bin:/bin"], NOTHING, MEGABYTE, limit);
      const both = (result: ReturnType<Engine["spawn"]>): unknown =>
        typeof result === "number" ? result : [outcome(result), engine.decode(result.stderr)];
      equal(both(shell("echo out; echo err >&2; exit 3", 100)), [[3, 0, "out\n"], "err\n"]);
      equal(both(shell("echo 12345 >&2; echo out", 3)), [[0, 0, "out\n"], "123"]);
      equal(both(shell("head -c 300000 /dev/zero >&2; echo out", 0)), [[0, 0, "out\n"], ""]);
      equal(both(shell("exec >&-; sleep 0.01; echo late >&2", 100)), [[0, 0, ""], "late\n"]);
      equal(both(shell("exec 2>&-; sleep 0.01; echo late", 100)), [[0, 0, "late\n"], ""]);
      const loud = "for i in 1 2 3; do head -c 99999 /dev/zero; head -c 99999 /dev/zero >&2; done";
      const result = shell(loud, 299_997);
      equal(typeof result === "number" ? result : [result.stdout.length, result.stderr.length], [299_997, 299_997]);
    },
  },
  {
    name: "standard error that is not asked for is inherited, and none of it returned",
    run: () => {
      const result = spawn("exec 2>/dev/null; echo lost >&2; echo out");
      equal(typeof result === "number" ? result : result.stderr.length, 0);
    },
  },
  {
    name: "a child has descriptors 0 to 2 and no other of ours",
    run: () => {
      const opened = [open("/dev/null"), open("/dev/null"), open("/dev/zero")];
      const result = spawn("ls /proc/$$/fd; exit 0");
      for (const fd of opened) engine.syscall(SYS.close, fd);
      equal(outcome(result), [0, 0, "0\n1\n2\n"]);
    },
  },
  {
    name: "no descriptor of ours stays open behind a child",
    run: () => {
      const first = open("/dev/null");
      engine.syscall(SYS.close, first);
      for (let i = 0; i < 20; i += 1) {
        equal(outcome(spawn("cat", engine.encode("x"))), [0, 0, "x"]);
        spawn("echo too much", NOTHING, 1);
        engine.spawn("/bin/true", ["true"], [], NOTHING, 1, 1);
        engine.spawn("/nowhere", [], [], NOTHING, 0);
      }
      const last = open("/dev/null");
      engine.syscall(SYS.close, last);
      equal(last, first);
    },
  },
  {
    name: "a child may have a huge environment",
    run: () => {
      const environment = Array.from({ length: 500 }, (_, i) => `V${i}=${"é".repeat(1000)}`);
      const result = engine.spawn("/usr/bin/env", ["env"], environment, NOTHING, 4 * MEGABYTE);
      if (typeof result === "number") throw new Error(`spawn returned ${result}`);
      equal([result.status, engine.decode(result.stdout) === `${environment.join("\n")}\n`], [0, true]);
    },
  },
  {
    name: "spawn takes text without NUL, lists of it, bytes and integers, and nothing else",
    run: () => {
      const loose = engine.spawn as (...values: unknown[]) => unknown;
      const good = ["/bin/true", ["true"], [], NOTHING, 0, 0];
      equal(outcome(loose(...good) as ReturnType<Engine["spawn"]>), [0, 0, ""]);
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
        [5, "5"],
        [5, 1.5],
        [5, null],
      ];
      for (const [at, value] of bad) throws(TypeError, () => loose(...good.with(at, value as never)));
      throws(RangeError, () => loose(...good.with(0, "/bin/true\0x")));
      throws(RangeError, () => loose(...good.with(1, ["true", "a\0b"])));
    },
  },
];
