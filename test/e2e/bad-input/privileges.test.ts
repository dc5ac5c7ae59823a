// Who may not do what an attachment takes, and kernels that can't.

import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { AS_NOBODY, forEverybody } from "../../support/everybody.ts";
import { withoutNetfilter } from "../../support/interfere.ts";
import { run } from "../../support/netns.ts";
import type { PluginCall, PluginOutcome } from "../../support/plugin.ts";
import { PLUGINS } from "../masquerade/node.ts";
import {
  expectError,
  expectRefused,
  type Json,
  networkOf,
  PLUGIN_NAMES,
  type PluginName,
  stateOfNode,
  useNode,
} from "./node.ts";

const { call } = useNode();

let anywhere: string;
beforeAll(() => {
  anywhere = forEverybody(PLUGINS, PLUGIN_NAMES);
});

/** Root without any capability, as in a container that has dropped them all. */
const UNCAPABLE = ["setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"];

describe.each([
  ["root without capabilities", UNCAPABLE],
  ["nobody in particular", AS_NOBODY],
])("%s", (_, through) => {
  const attempt = (plugin: PluginName, more: Partial<PluginCall> = {}): PluginOutcome => {
    const others = ["sh", "-c", `exec ${anywhere}/${plugin}`];
    return call(plugin, { path: anywhere, ...more }, [...through, ...others]);
  };

  it.each<PluginName>(["bridge", "ptp", "loopback"])("is told by %s what is missing", (plugin) => {
    const says = [/EPERM|EACCES/, "CAP_NET_ADMIN", "CAP_SYS_ADMIN"];
    expectRefused(() => attempt(plugin), { code: 999, says, mayPrepare: true });
    for (const command of ["CHECK", "DEL"]) expectError(attempt(plugin, { command }), 999, says);
  });

  it("can have static addresses, which take no privilege", () => {
    expect(attempt("static")).toMatchObject({ status: 0 });
  });

  it("is told by host-local which directory it can't write to", () => {
    run("chmod", "0555", "/var/lib/cni/networks/net");
    run("chown", "1:1", "/var/lib/cni/networks/net", "/var/lib/cni/networks/net/lock");
    onTestFinished(() => {
      run("chown", "0:0", "/var/lib/cni/networks/net", "/var/lib/cni/networks/net/lock");
      run("chmod", "0755", "/var/lib/cni/networks/net");
    });
    const says = [
      "/var/lib/cni/networks/net",
      "EACCES",
      "ipam.dataDir must be a directory that this process can write to",
    ];
    expectRefused(() => attempt("host-local"), { code: 5, says });
    // Nor a new one.
    const config = networkOf("host-local", { ipam: { dataDir: "/proc/1/x" } });
    expectRefused(() => attempt("host-local", { config }), { code: 5, says: ["/proc/1/x"] });
  });

  it("is told by STATUS that an ADD could not be served", () => {
    expectError(attempt("bridge", { command: "STATUS" }), 50, [/EPERM|EACCES/]);
  });
});

describe("a kernel without nf_tables", () => {
  const attempt = (plugin: PluginName, config: Json, command = "ADD"): PluginOutcome =>
    call(plugin, { command, config }, withoutNetfilter());
  const says = ["no nf_tables", "ipMasq", "macspoofchk", "EPROTONOSUPPORT"];

  it.each<PluginName>(["bridge", "ptp"])("refuses %s its masquerade, and says so", (plugin) => {
    const config = networkOf(plugin);
    expectRefused(() => attempt(plugin, config), { code: 999, says, mayPrepare: true });
    expectError(attempt(plugin, config, "STATUS"), 50, says);
    // The DEL that follows it must not fail.
    expect(attempt(plugin, config, "DEL")).toMatchObject({ status: 0, stdout: "" });
  });

  it.each<PluginName>(["bridge", "ptp"])("serves %s without masquerade", (plugin) => {
    const before = stateOfNode();
    const config = networkOf(plugin, { ipMasq: false });
    for (const command of ["ADD", "DEL"]) expect(attempt(plugin, config, command)).toMatchObject({ status: 0 });
    expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
  });

  it("refuses macspoofchk, and says so", () => {
    const config = networkOf("bridge", { ipMasq: false, macspoofchk: true });
    expectRefused(() => attempt("bridge", config), { code: 999, says, mayPrepare: true });
    expectError(attempt("bridge", config, "STATUS"), 50, says);
    expect(attempt("bridge", config, "DEL")).toMatchObject({ status: 0, stdout: "" });
  });

  it("refuses before forceAddress has replaced an address", () => {
    run("ip", "link", "add", "br9", "up", "address", "02:00:00:00:00:01", "type", "bridge");
    onTestFinished(() => void run("ip", "link", "delete", "br9"));
    run("ip", "address", "add", "172.20.0.1/16", "dev", "br9");
    const ipam = { ranges: [[{ subnet: "10.9.0.0/24" }]] };
    const config = networkOf("bridge", { name: "forced", bridge: "br9", forceAddress: true, ipam });
    expectRefused(() => attempt("bridge", config), { code: 999, says, mayPrepare: true });
  });
});
