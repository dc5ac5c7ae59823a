import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { poll } from "../../test/support/netns.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { spawn } from "./spawn.ts";

/** The state of a process, "Z" for one that has ended and that nobody has waited for; "" where there is none. */
function stateOf(pid: string): string {
  try {
    return /\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}

describe("spawn", () => {
  const environment = ["PATH=/usr/bin:/bin", "GREETING=hello"];
  const run = (script: string, input = ""): ReturnType<typeof spawn> =>
    spawn("/bin/sh", ["sh", "-c", script], environment, Buffer.from(input));

  it("gives the child its input and environment, and returns its output and status", () => {
    const { status, signal, stdout } = run('read line; echo "$GREETING $line"; exit 3', "world\n");
    expect([status, signal, Buffer.from(stdout).toString()]).toEqual([3, 0, "hello world\n"]);
  });

  it("keeps what the child says on standard error where that is wanted", () => {
    const script = "echo printed; echo wrong >&2";
    const { stdout, stderr } = spawn("/bin/sh", ["sh", "-c", script], environment, new Uint8Array(0), {
      keepsErrors: true,
    });
    expect([stdout, stderr].map((bytes) => Buffer.from(bytes).toString())).toEqual(["printed\n", "wrong\n"]);
  });

  it("reports the signal that ended the child", () => {
    expect(run("kill -TERM $$")).toMatchObject({ status: 0, signal: 15 });
  });

  it.each([
    ["a child", "sleep 50"],
    ["a child that has closed its output", "exec >&-; sleep 50"],
    ["a child whose own child has the output", "sleep 50 & exit 0"],
  ])("kills %s when the time is over", (_, script) => {
    const path = `${temporaryDirectory()}/pids`;
    const start = Date.now();
    const late = () =>
      spawn(
        "/bin/sh",
        ["sh", "-c", `echo $$ > ${path}; ${script} & echo $! >> ${path}; wait`],
        environment,
        new Uint8Array(0),
        {
          timeoutMs: 300,
        },
      );
    expect(late).toThrow("cannot wait for /bin/sh longer than 0.3 s: ETIMEDOUT");
    expect(Date.now() - start).toBeLessThan(20_000);
    const pids = readFileSync(path, "utf8").trim().split("\n");
    expect(pids).toHaveLength(2);
    // Its own child is killed with it, and may be on its way out still.
    for (const pid of pids) poll(`process ${pid} to end`, () => /^Z?$/.test(stateOf(pid)));
  });

  it("leaves a child alone that ends in time", () => {
    const { stdout } = spawn("/bin/sh", ["sh", "-c", "echo done"], environment, new Uint8Array(0), {
      timeoutMs: 60_000,
    });
    expect(Buffer.from(stdout).toString()).toBe("done\n");
  });

  it("throws when there is no such program", () => {
    expect(() => spawn("/nowhere/plugin", ["plugin"], [], new Uint8Array(0))).toThrow(
      "cannot run /nowhere/plugin: ENOENT: No such file or directory (execve)",
    );
  });

  it("throws when the child prints more than can be kept", () => {
    expect(() => run("exec head -c 34000000 /dev/zero")).toThrow(
      "cannot keep the output of /bin/sh (over 33554432 bytes): EMSGSIZE",
    );
  });
});
