import { describe, expect, it } from "vitest";
import { engine } from "../sys/engine.ts";
import { type NetworkList, parseList } from "./list.ts";

const parse = (list: unknown): NetworkList =>
  parseList(engine.encode(typeof list === "string" ? list : JSON.stringify(list)), "a.conflist");
const plugins = [{ type: "bridge" }];

describe("parseList()", () => {
  it("reads what libcni reads", () => {
    const portmap = { type: "portmap", CAPABILITIES: { portMappings: true, ips: false } };
    const list = { cniVersion: "1.0.0", name: "net1", plugins: [...plugins, portmap], unknown: 1 };
    expect(parse(list)).toEqual({
      name: "net1",
      cniVersion: "1.0.0",
      disableCheck: false,
      disableGC: false,
      loadOnlyInlinedPlugins: false,
      plugins: [
        { at: "a.conflist: plugins[0]", type: "bridge", capabilities: [], config: { type: "bridge" } },
        { at: "a.conflist: plugins[1]", type: "portmap", capabilities: ["portMappings"], config: portmap },
      ],
      bytes: engine.encode(JSON.stringify(list)),
    });
  });

  it.each([
    [true, true],
    ["true", true],
    ["True", true],
    ["FALSE", false],
    [false, false],
  ])("takes %j for a flag", (said, flag) => {
    const { disableCheck, disableGC } = parse({ name: "n", plugins, disableCheck: said, disableGC: said });
    expect([disableCheck, disableGC]).toEqual([flag, flag]);
  });

  it("finds the list's own keys by their exact spelling only, as libcni does", () => {
    const { cniVersion, disableCheck } = parse({ name: "n", plugins, CniVersion: "1.0.0", disablecheck: true });
    expect([cniVersion, disableCheck]).toEqual(["0.1.0", false]);
    expect(() => parse({ Name: "n", plugins })).toThrow(/name is missing/);
  });

  it("has the version that cniVersions leaves", () => {
    expect(parse({ name: "n", plugins, cniVersion: "0.3.1", cniVersions: ["1.0.0", "9.0.0"] }).cniVersion).toBe(
      "1.0.0",
    );
  });

  it("may have no plugins, which then lie in files", () => {
    expect(parse({ name: "n" }).plugins).toEqual([]);
  });

  it.each<[unknown, number, string]>([
    ["", 6, "a.conflist is empty"],
    ['{"name": "n",\n "plugins": [{"type": "bridge",}]}', 6, "a key in double quotes at line 2, column 32"],
    [[], 6, "a.conflist is not an object"],
    [{ plugins }, 7, "a.conflist: name is missing"],
    [{ name: "", plugins }, 7, "name is missing"],
    [{ name: null, plugins }, 6, "a.conflist: name: null is not a string"],
    [{ name: "a/b", plugins }, 7, 'a.conflist: name: "a/b" is not a letter or digit'],
    [{ name: "n", plugins, cniVersion: 1 }, 6, "cniVersion: 1 is not a string"],
    [{ name: "n", plugins, cniVersion: "1.2.0" }, 1, "incompatible CNI versions"],
    [{ name: "n", plugins, cniVersions: "1.0.0" }, 6, 'cniVersions: "1.0.0" is not an array'],
    [{ name: "n", plugins, cniVersions: [1] }, 6, "cniVersions[0]: 1 is not a string"],
    [{ name: "n", plugins, cniVersions: ["x"] }, 7, 'cniVersions: "x" is not a version'],
    [{ name: "n", plugins, disableCheck: "yes" }, 6, 'disableCheck: "yes" is not true or false'],
    [{ name: "n", plugins, disableGC: null }, 6, "disableGC: null is not true or false"],
    [{ name: "n", plugins: [] }, 7, "plugins is empty"],
    [{ name: "n", plugins: {} }, 6, "plugins: {} is not an array"],
    [{ name: "n", plugins: null }, 6, "plugins: null is not an array"],
    [{ name: "n", plugins: ["bridge"] }, 6, 'plugins[0]: "bridge" is not an object'],
    [{ name: "n", plugins: [...plugins, {}] }, 7, "plugins[1].type is missing"],
    [{ name: "n", plugins: [{ type: "" }] }, 7, "plugins[0].type is missing"],
    [{ name: "n", plugins: [{ type: 5 }] }, 6, "plugins[0].type: 5 is not a string"],
    [
      { name: "n", plugins: [{ type: "p", capabilities: { ips: 1 } }] },
      6,
      "plugins[0].capabilities.ips: 1 is not true",
    ],
    [{ name: "n", loadOnlyInlinedPlugins: true }, 7, 'loadOnlyInlinedPlugins is true, and there is no key "plugins"'],
  ])("refuses %j with code %i", (list, code, message) => {
    expect(() => parse(list)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });
});
