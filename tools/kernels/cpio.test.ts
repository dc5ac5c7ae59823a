import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { CpioWriter } from "./cpio.mjs";

/** Reads an archive as the kernel does (init/initramfs.c). */
function entriesOf(archive: Buffer): { name: string; mode: string; content: string }[] {
  const entries = [];
  for (let at = 0; ; ) {
    expect(archive.toString("latin1", at, at + 6)).toBe("070701");
    const field = (i: number): number =>
      Number.parseInt(archive.toString("latin1", at + 6 + 8 * i, at + 14 + 8 * i), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const name = archive.toString("utf8", at + 110, at + 110 + nameSize - 1);
    const begin = (at + 110 + nameSize + 3) & ~3;
    if (name === "TRAILER!!!") return entries;
    entries.push({ name, mode: mode.toString(8), content: archive.toString("utf8", begin, begin + size) });
    at = (begin + size + 3) & ~3;
  }
}

it("an archive has files, links and their directories, each once", () => {
  const directory = mkdtempSync(join(tmpdir(), "bauta-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "archive");
  const archive = new CpioWriter(path);
  archive.file("usr/bin/one", "12345", 0o755);
  archive.link("usr/bin/two", "one");
  archive.directory("usr");
  expect([archive.has("usr/bin/one"), archive.has("usr/bin/three")]).toEqual([true, false]);
  expect(() => archive.file("usr/bin/one", "")).toThrow("usr/bin/one is in the archive already");
  archive.close();
  expect(entriesOf(readFileSync(path))).toEqual([
    { name: "usr", mode: "40755", content: "" },
    { name: "usr/bin", mode: "40755", content: "" },
    { name: "usr/bin/one", mode: "100755", content: "12345" },
    { name: "usr/bin/two", mode: "120777", content: "one" },
  ]);
});
