import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { engine } from "../sys/engine.ts";
import type { NetworkList } from "./list.ts";
import { loadFile, loadNamed } from "./load.ts";

/** A directory with these files: JSON, or text as it is. */
function files(contents: Readonly<Record<string, unknown>>): string {
  const directory = temporaryDirectory();
  for (const [name, content] of Object.entries(contents)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return directory;
}

const listOf = (name: string, ...types: readonly string[]): object => ({
  cniVersion: "1.0.0",
  name,
  plugins: types.map((type) => ({ type })),
});
const typesOf = ({ plugins }: NetworkList): string[] => plugins.map(({ type }) => type);
const refusal = (code: number, message: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe("loadFile()", () => {
  it("reads a list", () => {
    const directory = files({ "10-a.conflist": listOf("a", "bridge", "portmap") });
    expect(typesOf(loadFile(join(directory, "10-a.conflist")))).toEqual(["bridge", "portmap"]);
  });

  it.each(["a.conf", "a.json"])("makes a list of the one plugin in %s", (name) => {
    const single = { cniVersion: "0.4.0", name: "a", type: "ptp", ipMasq: true };
    const list = loadFile(join(files({ [name]: single, "a/9.conf": { type: "tuning" } }), name));
    expect(list).toMatchObject({ name: "a", cniVersion: "0.4.0", plugins: [{ type: "ptp", config: single }] });
    expect(JSON.parse(engine.decode(list.bytes))).toEqual({ name: "a", cniVersion: "0.4.0", plugins: [single] });
    expect(list.plugins).toHaveLength(1);
  });

  it("reads a list whose file has another ending", () => {
    expect(typesOf(loadFile(join(files({ "a.json": listOf("a", "bridge") }), "a.json")))).toEqual(["bridge"]);
  });

  it("adds the plugins that lie in a directory called as the network, unless the list says that they do not", () => {
    const beside = { "a/2.conf": { type: "portmap" }, "a/1.conf": { type: "tuning" }, "a/3.json": { type: "no" } };
    const inlined = { ...listOf("a", "bridge"), loadOnlyInlinedPlugins: true };
    const directory = files({ ...beside, "a.conflist": listOf("a", "bridge"), "b.conflist": inlined });
    expect(typesOf(loadFile(join(directory, "a.conflist")))).toEqual(["bridge", "tuning", "portmap"]);
    expect(typesOf(loadFile(join(directory, "b.conflist")))).toEqual(["bridge"]);
    writeFileSync(join(directory, "c.conflist"), '{"cniVersion": "1.1.0", "name": "a"}');
    expect(typesOf(loadFile(join(directory, "c.conflist")))).toEqual(["tuning", "portmap"]);
  });

  it("says what is wrong with a file", () => {
    const directory = files({ "a.conflist": { name: "a" }, "b.conflist": '{"name":\n}', "c.conf": { name: "c" } });
    const path = (name: string): string => join(directory, name);
    expect(() => loadFile(path("missing.conflist"))).toThrow(refusal(5, "cannot read the network configuration"));
    expect(() => loadFile(directory)).toThrow(refusal(5, "cannot read the network configuration"));
    expect(() => loadFile(path("a.conflist"))).toThrow(refusal(7, `nor files ${directory}/a/*.conf`));
    expect(() => loadFile(path("b.conflist"))).toThrow(refusal(6, "at line 2, column 1"));
    expect(() => loadFile(path("c.conf"))).toThrow(refusal(7, "c.conf: plugins[0].type is missing"));
    writeFileSync(path("large.conflist"), " ".repeat(5 << 20));
    expect(() => loadFile(path("large.conflist"))).toThrow(refusal(5, "cannot read the network configuration"));
  });

  it("says which file beside the list is wrong", () => {
    const directory = files({ "a.conflist": listOf("a", "bridge"), "a/1.conf": {} });
    expect(() => loadFile(join(directory, "a.conflist"))).toThrow(refusal(7, `${directory}/a/1.conf.type is missing`));
  });
});

describe("loadNamed()", () => {
  const log: string[] = [];
  const load = (name: string, directory: string): NetworkList => loadNamed(name, directory, (line) => log.push(line));

  it("takes the first list of the name, and a single configuration only where there is no list", () => {
    const single = { cniVersion: "1.0.0", name: "a", type: "ptp" };
    const directory = files({
      "00-a.conf": single,
      "10-b.conflist": listOf("b", "macvlan"),
      "20-a.conflist": listOf("a", "bridge"),
      "30-a.conflist": listOf("a", "ipvlan"),
      "40-c.json": { ...single, name: "c" },
    });
    expect(typesOf(load("a", directory))).toEqual(["bridge"]);
    expect(typesOf(load("c", directory))).toEqual(["ptp"]);
  });

  it("follows links, and passes over what can't be read and tells it", () => {
    log.length = 0;
    const elsewhere = files({ "a.conflist": listOf("a", "bridge") });
    const directory = files({ "10-bad.conflist": "{", "20-dir.conflist/x": "" });
    symlinkSync(join(elsewhere, "a.conflist"), join(directory, "90-a.conflist"));
    symlinkSync("/nonexistent", join(directory, "30-nowhere.conflist"));
    execFileSync("mkfifo", [join(directory, "40-pipe.conflist")]);
    expect(typesOf(load("a", directory))).toEqual(["bridge"]);
    expect(log).toEqual([expect.stringMatching(/^passed over: .*10-bad\.conflist ends too early/)]);
  });

  it("says where it has looked in vain", () => {
    const directory = files({ "a.conflist": listOf("a", "bridge") });
    expect(() => load("b", directory)).toThrow(refusal(7, `no file in ${directory} has a network of the name "b"`));
    expect(() => load("b", "/nonexistent")).toThrow(
      refusal(7, 'no file in /nonexistent has a network of the name "b"'),
    );
  });
});
