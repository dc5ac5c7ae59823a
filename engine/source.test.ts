import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { mirrorsIn, quickjsSource } from "./source.mjs";

const directory = mkdtempSync(join(tmpdir(), "bauta-source-"));
afterAll(() => rmSync(directory, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

describe("the mirrors of this machine", () => {
  it("are read from one-line sources", () => {
    const text = [
      "# deb http://commented.example/debian trixie main",
      "deb http://one.example/debian trixie main contrib",
      "deb-src [signed-by=/a arch=amd64] https://two.example/debian/ trixie non-free main",
      "deb http://security.example/debian-security trixie-security main",
      "deb http://other.example/debian trixie universe",
    ].join("\n");
    expect(mirrorsIn(file("sources.list", text))).toEqual(["http://one.example/debian", "https://two.example/debian/"]);
  });

  it("are read from deb822 sources", () => {
    const text = [
      "Types: deb\n# http://commented.example/debian\nURIs: http://one.example/debian http://two.example/debian",
      "Suites: bookworm bookworm-updates\nComponents: main\n\nTypes: deb\nURIs: http://security.example/debian-security",
      "Suites: bookworm-security\nComponents: main\n\nURIs: http://other.example/\nSuites: x\nComponents: universe\n",
    ].join("\n");
    expect(mirrorsIn(file("debian.sources", text))).toEqual(["http://one.example/debian", "http://two.example/debian"]);
  });
});

describe("the source of QuickJS given by hand", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("is refused when it is another file", () => {
    vi.stubEnv("BAUTA_QUICKJS", file("quickjs.tar.xz", "not it"));
    expect(() => quickjsSource(directory)).toThrow(/is not quickjs_2025\.04\.26\.orig\.tar\.xz: its SHA-256 is/);
  });

  it("is refused when it is a directory of another version", () => {
    const other = join(directory, "other");
    mkdirSync(other);
    writeFileSync(join(other, "VERSION"), "2024-01-13\n");
    vi.stubEnv("BAUTA_QUICKJS", other);
    expect(() => quickjsSource(directory)).toThrow("is QuickJS 2024-01-13, not 2025.04.26");
  });

  it("is taken as it is when it is a directory of this version", () => {
    const right = join(directory, "right");
    mkdirSync(right);
    writeFileSync(join(right, "VERSION"), "2025-04-26\n");
    vi.stubEnv("BAUTA_QUICKJS", right);
    expect(quickjsSource(directory)).toBe(right);
  });
});
