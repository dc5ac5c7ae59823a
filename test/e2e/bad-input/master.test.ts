// The master that a configuration names, or means, is not there, is not what it should be, or is somebody else's.

import { describe, expect, it, onTestFinished } from "vitest";
import { run } from "../../support/netns.ts";
import { succeed } from "../../support/plugin.ts";
import { expectRefused, type Json, networkOf, useNode } from "./node.ts";

const node = useNode();
const { call } = node;

const network = (more: Json = {}): Json => networkOf("macvlan", { name: "lan", ...more });
const refused = (more: Json, ...says: readonly string[]): void =>
  expectRefused(() => call("macvlan", { config: network(more) }), { code: 7, says, mayPrepare: true });

/** Makes a link of the node until the running test ends. */
function link(name: string, ...rest: readonly string[]): void {
  run("ip", "link", "add", "name", name, ...rest);
  onTestFinished(() => void run("ip", "link", "delete", name));
}

describe("a master", () => {
  it.each([
    ["that is not there", "nope0", 'the node has no interface "nope0"'],
    ["of 16 bytes", "sixteen-bytes-it", 'the node has no interface "sixteen-bytes-it"'],
    ["that is the loopback", "lo", "loopback"],
    ["with a slash", "a/b", "is not a name of an interface"],
    ["with a newline", "uplink\n", "is not a name of an interface"],
    ["of 128 bytes", "x".repeat(128), "is not a name of an interface"],
    ["with quotes", "\"'`$(id)", "the node has no interface"],
  ])("%s is refused", (_, master, says) => refused({ master }, "master", says));

  it("that is in the container is refused, with what takes it", () => {
    node.container.ip("link add inside type bridge");
    onTestFinished(() => void node.container.ip("link delete inside"));
    refused({ master: "inside" }, 'no interface "inside"', '"linkInContainer": true');
    refused({ master: "uplink", linkInContainer: true }, 'the container has no interface "uplink"', "false takes that");
  });

  it("that nobody names is refused where there is no default route to tell it", () => {
    const routes = run("ip", "route", "show", "default").trim();
    const routes6 = run("ip", "-6", "route", "show", "default").trim();
    expect([routes, routes6].every((text) => !text.includes("\n"))).toBe(true);
    for (const [family, text] of [
      ["-4", routes],
      ["-6", routes6],
    ] as const) {
      if (text === "") continue;
      const words = text.split(" ").filter((word) => word !== "" && word !== "pref" && word !== "medium");
      run("ip", family, "route", "delete", ...words);
      onTestFinished(() => void run("ip", family, "route", "add", ...words));
    }
    refused({ master: "" }, "master is missing", "default route");
    refused({ master: null, linkInContainer: true }, "master is missing, and the container");
  });

  it("that is a port of a bridge is refused", () => {
    link("port0", "type", "veth", "peer", "name", "port1");
    link("br9", "type", "bridge");
    run("ip", "link", "set", "port0", "master", "br9");
    refused({ master: "port0" }, '"port0" is a port of another link');
  });

  it("without Ethernet is refused", () => {
    run("ip", "tuntap", "add", "dev", "tun0", "mode", "tun");
    onTestFinished(() => void run("ip", "link", "delete", "tun0"));
    refused({ master: "tun0" }, 'no macvlan can hang on "tun0"');
  });

  it.each([
    [{ mtu: 1501 }, "mtu: 1501 is more than its master"],
    [{ mtu: 1000 }, "mtu: 1000 is too small for the IPv6 address"],
    [{ mode: "source" }, 'mode: "source" is not one of'],
    [{ mac: "01:00:5e:00:00:01" }, "mac"],
  ])("is there, and %j is refused", (more, says) => refused(more, says));

  it("that one container has to itself is refused to another, which is told who has it", () => {
    link("alone0", "type", "veth", "peer", "name", "alone1");
    const config = network({ master: "alone0", mode: "passthru" });
    succeed(call("macvlan", { ifname: "first", config }));
    onTestFinished(() => void succeed(call("macvlan", { command: "DEL", ifname: "first", config })));
    refused({ master: "alone0", mode: "bridge" }, `"first" in ${node.container.path} has "alone0" in mode "passthru"`);
    refused({ master: "alone0", mode: "passthru" }, '"passthru" takes "alone0" for itself');
  });
});
