import { describe, expect, it } from "vitest";
import { type Environment, interfaceNameProblem, nameProblem, readEnvironment } from "./environment.ts";

const attachment = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/x",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin",
};

function readFrom(variables: Readonly<Record<string, string>>): Environment | undefined {
  return readEnvironment((name) => variables[name]);
}

function messageOf(variables: Readonly<Record<string, string>>): string {
  try {
    readFrom(variables);
  } catch (error) {
    expect(error).toMatchObject({ name: "CniError", code: 4 });
    return String(error instanceof Error ? error.message : error);
  }
  throw new Error("nothing was thrown");
}

describe("readEnvironment()", () => {
  it("reads every variable of an attachment", () => {
    expect(readFrom({ ...attachment, CNI_ARGS: "A=b", CNI_NETNS_OVERRIDE: "1" })).toEqual({
      command: "ADD",
      containerId: "c1",
      netns: "/run/netns/x",
      ifname: "eth0",
      args: "A=b",
      path: "/opt/cni/bin",
      netnsOverride: true,
    });
  });

  it("is undefined when CNI_COMMAND is unset or empty", () => {
    expect(readFrom({ CNI_IFNAME: "eth0" })).toBeUndefined();
    expect(readFrom({ CNI_COMMAND: "" })).toBeUndefined();
  });

  it("refuses an unknown command by name", () => {
    expect(messageOf({ ...attachment, CNI_COMMAND: "add" })).toBe('unknown CNI_COMMAND: "add"');
  });

  it.each([
    ["ADD", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]],
    ["CHECK", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]],
    ["DEL", ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"]],
    ["GC", ["CNI_PATH"]],
  ])("names all that %s misses in one error", (command, names) => {
    const message = `${command} needs environment variables that are not set: ${names.join(", ")}`;
    expect(messageOf({ CNI_COMMAND: command })).toBe(message);
    expect(messageOf({ CNI_COMMAND: command, ...Object.fromEntries(names.map((name) => [name, ""])) })).toBe(message);
  });

  it("names only what is missing", () => {
    const { CNI_NETNS: _, ...rest } = attachment;
    expect(messageOf(rest)).toBe("ADD needs environment variables that are not set: CNI_NETNS");
  });

  it("names all that is invalid in one error, with the values", () => {
    const message = messageOf({ ...attachment, CNI_CONTAINERID: "../x", CNI_IFNAME: "a/b" });
    expect(message).toContain('CNI_CONTAINERID "../x" is not');
    expect(message).toContain('CNI_IFNAME "a/b" is not');
  });

  it("shows no more than the beginning of a long value", () => {
    const long = "x".repeat(100_000);
    expect(messageOf({ ...attachment, CNI_CONTAINERID: long, CNI_IFNAME: long })).toMatch(
      /^CNI_CONTAINERID "x{76}\.\.\. is longer than 255 characters; CNI_IFNAME "x{76}\.\.\. is longer than 15 bytes$/,
    );
    expect(messageOf({ CNI_COMMAND: long })).toMatch(/^unknown CNI_COMMAND: "x{76}\.\.\.$/);
  });

  it.each(["STATUS", "VERSION"])("needs nothing but the command for %s", (command) => {
    expect(readFrom({ CNI_COMMAND: command })).toMatchObject({ command, path: "" });
  });

  it("does not look at an attachment's variables where they do not apply", () => {
    const variables = { CNI_COMMAND: "VERSION", CNI_NETNS: "dummy", CNI_IFNAME: "///", CNI_CONTAINERID: ".." };
    expect(readFrom(variables)).toMatchObject({ containerId: "", netns: "", ifname: "" });
  });

  it("lets DEL go without a network namespace", () => {
    expect(readFrom({ ...attachment, CNI_COMMAND: "DEL", CNI_NETNS: "" })).toMatchObject({ netns: "" });
  });

  it.each([
    ["1", true],
    ["true", true],
    ["True", true],
    ["TRUE", true],
    ["0", false],
    ["false", false],
    ["yes", false],
    ["", false],
  ])("reads CNI_NETNS_OVERRIDE=%s as %s", (value, netnsOverride) => {
    expect(readFrom({ ...attachment, CNI_NETNS_OVERRIDE: value })).toMatchObject({ netnsOverride });
  });
});

describe("nameProblem()", () => {
  it.each(["a", "0", "a.b_c-d", "A9", "0123456789abcdef".repeat(4), "a".repeat(255), "a.."])("accepts %s", (name) => {
    expect(nameProblem(name)).toBeUndefined();
  });

  it.each(["", ".", "..", "../a", "a/b", "-a", "_a", "a b", "a\n", "a\nb", 'a"', "a'", "a\0", "é", "a;b", "$(id)"])(
    "refuses %j",
    (name) => {
      expect(nameProblem(name)).toMatch(/^not a letter or digit followed by/);
    },
  );

  it("refuses what no file could be named after", () => {
    expect(nameProblem("a".repeat(256))).toBe("longer than 255 characters");
  });
});

describe("interfaceNameProblem()", () => {
  it.each(["eth0", "a", "net1.100", "a".repeat(15), "wlan-x", "...", 'q"', "ü"])("accepts %s", (name) => {
    expect(interfaceNameProblem(name)).toBeUndefined();
  });

  it.each([
    ["", "empty"],
    [".", "a directory"],
    ["..", "a directory"],
    ["a".repeat(16), "longer than 15 bytes"],
    // Eight characters of two bytes each.
    ["ü".repeat(8), "longer than 15 bytes"],
  ])("says that %j is %s", (name, problem) => {
    expect(interfaceNameProblem(name)).toBe(problem);
  });

  it.each([
    "a/b",
    "a:b",
    "a b",
    "a\tb",
    "a\n",
    "a\u00a0b",
    "a\u0085b",
    "a\u2028b",
    "a\0b",
    // Terminals obey these, and the kernel takes them.
    "a\u0001b",
    "\x1b[2J",
    "a\u007f",
    "a\u009bb",
    "\ud800",
    "eth%d",
    "a\ufffd",
    // Its UTF-8 is c3 a0, and the kernel takes 0xa0 for a space.
    "à",
  ])("refuses %j", (name) => {
    expect(interfaceNameProblem(name)).toMatch(/^not an interface name/);
  });
});
