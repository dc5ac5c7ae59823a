import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { backupFile, formatBackup, keepBackup, readBackup } from "./backup.ts";

const mac = Uint8Array.of(0xc2, 0x11, 0x22, 0x33, 0x44, 0x55);

describe("formatBackup()", () => {
  it("writes what Go's json.MarshalIndent writes", () => {
    expect(formatBackup({ mac, promisc: false, mtu: 1500, allmulti: false, txQLen: 1000 })).toBe(
      '{\n "mac": "c2:11:22:33:44:55",\n "promisc": false,\n "mtu": 1500,\n "allmulti": false,\n "txQLen": 1000\n}',
    );
    expect(formatBackup({ txQLen: 0 })).toBe('{\n "txQLen": 0\n}');
    expect(formatBackup({ mac: new Uint8Array(0) })).toBe("{}");
  });
});

describe("a backup", () => {
  const file = (): string => backupFile(join(temporaryDirectory(), "a", "b"), "c1", "eth0");

  it("is in a file for root alone, in a directory that is made", () => {
    const path = file();
    keepBackup(path, { mtu: 1500 });
    expect([path.endsWith("/a/b/c1_eth0.json"), statSync(path).mode & 0o777]).toEqual([true, 0o600]);
    expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(path, ".."))).toEqual(["c1_eth0.json"]);
    expect(readBackup(path)).toMatchObject({ mtu: 1500, mac: undefined });
  });

  it("has what was noted first, and can be taken back to that", () => {
    const path = file();
    const takeAllBack = keepBackup(path, { mtu: 1500, sysctl: new Map([["net/a", "1"]]) });
    const first = readFileSync(path, "utf8");
    const takeBack = keepBackup(path, { mac, mtu: 1400, sysctl: new Map([["net/a", "2"], ["net/b", "3"]]) }); // biome-ignore format: one call
    const sysctl = new Map([["net/a", "1"], ["net/b", "3"]]); // biome-ignore format: one map
    expect(readBackup(path)).toMatchObject({ mac, mtu: 1500, sysctl });
    takeBack();
    expect(readFileSync(path, "utf8")).toBe(first);
    takeAllBack();
    takeAllBack();
    expect(readBackup(path)).toBeUndefined();
  });

  it("reads upstream's file, whatever the case of its keys", () => {
    const path = join(temporaryDirectory(), "c1_eth0.json");
    writeFileSync(path, '{"MAC": "C2:11:22:33:44:55", "txqlen": 0, "promisc": true, "other": 1}');
    expect(readBackup(path)).toMatchObject({ mac, txQLen: 0, promisc: true });
  });

  it.each(["", "{", "[]", "5", "null", '{"mtu": "x"}', '{"mac": "c2"}', '{"sysctl": {"net/a": 1}}'])(
    "that is %j is illegible, and is replaced",
    (text) => {
      const path = join(temporaryDirectory(), "c1_eth0.json");
      writeFileSync(path, text);
      expect(readBackup(path)).toBe("illegible");
      keepBackup(path, { mtu: 1500 });
      expect(readBackup(path)).toMatchObject({ mtu: 1500 });
    },
  );

  it("is written where an ADD that was killed has left half a file", () => {
    const path = file();
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(`${path}.tmp`, "{");
    keepBackup(path, { mtu: 1500 });
    expect(readdirSync(join(path, ".."))).toEqual(["c1_eth0.json"]);
  });

  it("leaves nothing half done, whatever the disk says", () => {
    const refusing = (call: string, path: string): void =>
      withSyscalls(
        (name) => (name === call ? ("ENOSPC" as const) : undefined),
        () => void keepBackup(path, { mtu: 1500 }),
      );
    for (const call of ["linkat", "write"] as const) {
      const path = file();
      expect(() => refusing(call, path)).toThrow("ENOSPC");
      expect([call, readBackup(path)]).toEqual([call, undefined]);
    }
    for (const call of ["linkat", "renameat", "write"] as const) {
      const path = file();
      keepBackup(path, { txQLen: 9 });
      expect(() => refusing(call, path)).toThrow("ENOSPC");
      expect([call, readBackup(path), readdirSync(join(path, ".."))]).toEqual([call, { txQLen: 9 }, ["c1_eth0.json"]]);
    }
  });

  it("is none where its name is too long to be a file's", () => {
    expect(readBackup(backupFile("/tmp", "c".repeat(255), "eth0"))).toBeUndefined();
  });
});
