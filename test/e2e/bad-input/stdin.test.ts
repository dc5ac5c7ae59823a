// Standard input that is no network configuration.

import { describe, expect, it } from "vitest";
import { expectError, expectRefused, leavesNothing, networkOf, PLUGIN_NAMES, useNode } from "./node.ts";

const { call } = useNode();

const LIMIT = 4 << 20;
const WHOLE = JSON.stringify(networkOf("bridge"));

describe.each(PLUGIN_NAMES)("%s", (plugin) => {
  leavesNothing();

  it.each<[string, string, number, readonly (string | RegExp)[]]>([
    ["nothing", "", 6, ["standard input", "empty"]],
    ["white space", " \n\t", 6, ["standard input", "empty"]],
    ["text", "hello", 6, ["not JSON", "line 1, column 1", "hello"]],
    ["YAML", "cniVersion: 1.1.0\nname: net\n", 6, ["not JSON", "line 1, column 1"]],
    ["a fault further down", '{"name": "net",\n  "type": bridge}', 6, ["not JSON", "line 2, column 11", "bridge"]],
    ["two configurations", `${WHOLE}${WHOLE}`, 6, ["not JSON", "expected nothing more"]],
    ["bytes that are no text", "\ufffd\ufffd", 6, ["not JSON"]],
    ["NULs", "\0".repeat(100), 6, ["not JSON"]],
    ["an array", "[1,2]", 6, ["not an object", "[1,2]"]],
    ["null", "null", 6, ["not an object", "null"]],
    ["text in quotes", '"net"', 6, ["not an object", "net"]],
    ["a number", "1e999", 6, ["not an object"]],
  ])("refuses %s", (_, config, code, says) => {
    expectError(call(plugin, { config }), code, says);
  });

  it.each(["CHECK", "DEL", "GC", "STATUS"])("refuses %s without a configuration", (command) => {
    expectError(call(plugin, { command, config: "" }), 6, ["standard input", "empty"]);
  });

  it("answers VERSION without looking at it", () => {
    expect(call(plugin, { command: "VERSION", config: "hello" })).toMatchObject({ status: 0 });
  });
});

describe("a configuration that breaks off", () => {
  leavesNothing();

  // Whatever the byte, no part of this one is JSON.
  it.each(Array.from({ length: 23 }, (_, n) => 1 + Math.floor((n * (WHOLE.length - 1)) / 23)))(
    "after %i bytes is told as such",
    (length) => {
      const says = ["standard input", "ends too early", `after ${length} characters`];
      expectError(call("bridge", { config: WHOLE.slice(0, length) }), 6, says);
    },
  );
});

describe("a huge configuration", () => {
  const filled = (length: number): string => {
    const json = JSON.stringify(networkOf("ptp", { comment: "" }));
    return json.replace('"comment":""', `"comment":"${"x".repeat(length - json.length)}"`);
  };
  const tooLarge = { code: 5, says: ["standard input", `larger than ${LIMIT} bytes`] };

  it("is served up to the limit", () => {
    const config = filled(LIMIT);
    expect(config).toHaveLength(LIMIT);
    expect(call("ptp", { command: "STATUS", config })).toMatchObject({ status: 0, stdout: "" });
  });

  it("is served with as many keys as fit, in time that grows with their number and not with its square", () => {
    // Of 200,000 keys the square would be an hour. A minute of the processor is a thousand times what the call takes.
    const keys = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key-${i}`, i]));
    const network = networkOf("ptp", { ...keys, args: { cni: keys } });
    const limited = ["prlimit", "--cpu=60"];
    expect(call("ptp", { command: "STATUS", config: JSON.stringify(network) }, limited)).toMatchObject({
      status: 0,
      stdout: "",
    });
  });

  it("is refused one byte above it", () => {
    expectRefused(() => call("ptp", { config: filled(LIMIT + 1) }), tooLarge);
  });

  it("is refused without reading to its end", () => {
    // `yes` never ends: a plugin that tried to read it all would not either.
    const endless = ["bash", "--norc", "-c", 'yes | "$@"', "bash"];
    expectRefused(() => call("loopback", {}, endless), tooLarge);
  });

  it.each([
    ["arrays", "[", "]"],
    ["objects", '{"a":', "}"],
  ])("is refused where %s are nested without end", (_, open, close) => {
    for (const depth of [20_000, 400_000]) {
      const says = ["standard input", "nested too deeply"];
      const nested = `${open.repeat(depth)}0${close.repeat(depth)}`;
      expectRefused(() => call("ptp", { config: `{"cniVersion":"1.1.0","name":"net","a":${nested}}` }), {
        code: 6,
        says,
      });
      expectRefused(() => call("ptp", { config: open.repeat(depth) }), { code: 6, says: ["standard input"] });
    }
  });

  it.each([
    ["many small objects", "{},"],
    ["many numbers", "1,"],
    ["many keys", ""],
  ])("of %s is served, or refused for its size", (_, element) => {
    const many = (LIMIT - 1000) / (element.length || 12);
    const list =
      element === ""
        ? `{${Array.from({ length: many }, (__, n) => `"${n}":0`).join(",")}}`
        : `[${element.repeat(many)}0]`;
    const config = `{"cniVersion":"1.1.0","name":"net","a":${list}}`;
    expect(config.length).toBeLessThan(LIMIT);
    const outcome = call("static", { command: "DEL", config });
    if (outcome.status !== 0)
      expect(outcome.json).toMatchObject({ code: 6, msg: expect.stringContaining("too large") });
  });
});

describe("standard input that can't be read", () => {
  it.each([
    ["closed", '"$@" <&-', ["EBADF"]],
    ["a directory", '"$@" </', ["EISDIR"]],
    ["open for writing only", '"$@" 0>/dev/null', ["EBADF"]],
  ])("is an I/O failure where it is %s", (_, script, says) => {
    for (const plugin of PLUGIN_NAMES) {
      const attempt = () => call(plugin, {}, ["bash", "--norc", "-c", script, "bash"]);
      expectRefused(attempt, { code: 5, says: ["standard input", ...says] });
    }
  });

  it("is waited for where it comes byte by byte and doesn't block", () => {
    // The writer's end of the pipe is not ours to change; the reader's becomes non-blocking through dd.
    const script = `
      config=$(cat)
      { for ((i = 0; i < \${#config}; i++)); do printf %s "\${config:i:1}"; done; } |
        { dd count=0 iflag=nonblock status=none; "$@"; }
    `;
    const config = { cniVersion: "1.1.0", name: "net" };
    expectRefused(() => call("static", { config }, ["bash", "--norc", "-c", script, "bash"]), {
      code: 7,
      says: ["ipam is missing"],
    });
  });
});
