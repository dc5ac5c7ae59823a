// A system bus and firewalld on a node, with Debian's programs. Both end with the test.

import { cpSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { DIRECTORY } from "../../tools/firewalld.mjs";
import { type Background, startBeside } from "./background.ts";
import { poll, run, type TestNetns } from "./netns.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const PYTHON = "/usr/bin/python3";
/** What firewalld imports besides. */
const LIBRARIES = ["/usr/lib/python3/dist-packages/dbus/__init__.py", "/usr/lib/python3/dist-packages/gi/__init__.py"];

/** Anybody may have any name, and call anybody: the policies of packages are not what is tested. */
const busConfig = (socket: string): string => `<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow receive_type="method_call"/>
    <allow receive_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
  </policy>
</busconfig>
`;

/** Starts a bus, which DBUS_SYSTEM_BUS_ADDRESS leads to until the test ends. */
export async function startBus(): Promise<void> {
  const directory = temporaryDirectory();
  const socket = join(directory, "bus");
  writeFileSync(join(directory, "bus.conf"), busConfig(socket));
  const before = process.env["DBUS_SYSTEM_BUS_ADDRESS"];
  process.env["DBUS_SYSTEM_BUS_ADDRESS"] = `unix:path=${socket}`;
  onTestFinished(() => {
    if (before === undefined) delete process.env["DBUS_SYSTEM_BUS_ADDRESS"];
    else process.env["DBUS_SYSTEM_BUS_ADDRESS"] = before;
  });
  const args = [`--config-file=${join(directory, "bus.conf")}`, "--nofork", "--nopidfile", "--print-address"];
  await startBeside("dbus-daemon", args).prints(/^unix:/m);
}

export interface Firewalld {
  /** Runs firewall-cmd with these arguments, and returns what it prints. */
  command(...args: readonly string[]): string;
  readonly program: Background;
}

/** Starts firewalld on the node, on the bus that startBus has started. */
export function startFirewalld(node: TestNetns): Firewalld {
  if (!existsSync(DIRECTORY))
    throw new Error(`${DIRECTORY} is missing: node tools/firewalld.mjs unpacks firewalld there`);
  const missing = LIBRARIES.find((file) => !existsSync(file));
  if (missing !== undefined) throw new Error(`firewalld needs ${missing}, which is missing`);
  const state = mkdtempSync(join("/run", "firewalld-"));
  cpSync(join(DIRECTORY, "etc/firewalld"), join(state, "etc"), { recursive: true });
  mkdirSync("/run/firewalld", { recursive: true });
  const env = { ...process.env, PYTHONPATH: join(DIRECTORY, "usr/lib/python3/dist-packages") };
  const args = [
    join(DIRECTORY, "usr/sbin/firewalld"),
    ...["--nofork", "--nopid", "--log-file", join(state, "log")],
    ...["--default-config", join(DIRECTORY, "usr/lib/firewalld"), "--system-config", join(state, "etc")],
  ];
  const program = startBeside(PYTHON, args, { netns: node, env });
  const command = (...given: readonly string[]): string => {
    const words = Object.entries(env).flatMap(([name, value]) => (name === "PYTHONPATH" ? [`${name}=${value}`] : []));
    return run("env", ...words, PYTHON, join(DIRECTORY, "usr/bin/firewall-cmd"), ...given).trim();
  };
  poll("firewalld runs", () => {
    try {
      return command("--state") === "running";
    } catch {
      return false; // not yet
    }
  });
  return { command, program };
}
