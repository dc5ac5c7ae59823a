import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { run } from "../../test/support/netns.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { tryCall } from "./call.ts";
import { errno } from "./errno.ts";
import { close } from "./fd.ts";
import { openLocked, withLock } from "./flock.ts";

/** Whether another process could lock the file now; flock(1) is the witness. */
function isFree(path: string): boolean {
  try {
    run("flock", "--exclusive", "--nonblock", path, "true");
    return true;
  } catch {
    return false;
  }
}

describe("withLock", () => {
  it("holds the lock while it runs, and no longer", () => {
    const path = `${temporaryDirectory()}/lock`;
    expect(withLock(path, () => isFree(path))).toBe(false);
    expect(isFree(path)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("releases the lock when the function throws", () => {
    const path = `${temporaryDirectory()}/lock`;
    const fail = (): never => {
      throw new Error("stop");
    };
    expect(() => withLock(path, fail)).toThrow("stop");
    expect(isFree(path)).toBe(true);
  });
});

describe("openLocked", () => {
  it("holds the lock until it is closed", () => {
    const path = `${temporaryDirectory()}/lock`;
    const fd = openLocked(path);
    expect(isFree(path)).toBe(false);
    close(fd);
    expect(isFree(path)).toBe(true);
  });

  it("locks a file that may only be read", () => {
    const path = `${temporaryDirectory()}/lock`;
    writeFileSync(path, "");
    chmodSync(path, 0o400);
    close(openLocked(path));
  });

  it("closes the file when it can't be locked", () => {
    const path = `${temporaryDirectory()}/lock`;
    let locked = -1;
    const refuse = (name: string, args: readonly unknown[]) => {
      if (name !== "flock") return undefined;
      locked = Number(args[0]);
      return "ENOLCK" as const;
    };
    expect(() => withSyscalls(refuse, () => openLocked(path))).toThrow(`cannot lock ${path}: ENOLCK`);
    expect(tryCall("fcntl", locked, 1, 0)).toBe(-errno("EBADF"));
  });

  it("waits for another process, and says which one does not let go", async () => {
    const path = `${temporaryDirectory()}/lock`;
    writeFileSync(path, "");
    const holder = spawn("flock", ["--exclusive", "--no-fork", path, "sh", "-c", "echo locked; read line"]);
    onTestFinished(() => void holder.kill("SIGKILL"));
    await once(holder.stdout, "data");
    expect(() => openLocked(path, { timeoutMs: 50 })).toThrow(
      `cannot lock ${path}: process ${holder.pid} ("sh") has held it for 0.05 s`,
    );
    setTimeout(() => holder.stdin.end("\n"), 0);
    await once(holder, "exit");
    close(openLocked(path, { timeoutMs: 0 }));
  });

  it("goes on as soon as another process lets go", () => {
    const path = `${temporaryDirectory()}/lock`;
    writeFileSync(path, "");
    spawn("flock", ["--exclusive", path, "sleep", "0.2"]);
    let tries = 0;
    withSyscalls(
      (name) => (name === "flock" && tries++ === 0 ? "EAGAIN" : undefined),
      () => close(openLocked(path)),
    );
    expect(tries).toBeGreaterThan(1);
  });

  it("names the path when there is no directory for it", () => {
    expect(() => openLocked("/nowhere/lock")).toThrow("cannot open /nowhere/lock: ENOENT");
  });
});
