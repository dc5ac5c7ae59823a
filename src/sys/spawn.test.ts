import { describe, expect, it } from "vitest";
import { spawn } from "./spawn.ts";

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
