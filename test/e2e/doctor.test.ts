// `bauta doctor` as it is built: how long it takes, what an ordinary user learns, and that it leaves no trace.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { AS_NOBODY, forEverybody } from "../support/everybody.ts";
import { run } from "../support/netns.ts";
import { asOrdinaryUser } from "../support/ordinary-user.ts";
import { becomeNode, PLUGINS } from "./masquerade/node.ts";

const BAUTA = resolve("dist/bauta");
const CONF_DIR = "/run/net.d";
const PLACES = ["--conf-dir", CONF_DIR, "--bin-dir", PLUGINS];
const LIST = {
  cniVersion: "1.0.0",
  name: "dual",
  plugins: [
    {
      type: "bridge",
      bridge: "br9",
      isGateway: true,
      ipMasq: true,
      macspoofchk: true,
      ipam: { type: "host-local", ranges: [[{ subnet: "10.99.0.0/24" }], [{ subnet: "fd99::/64" }]] },
    },
    { type: "portmap", capabilities: { portMappings: true } },
    { type: "bandwidth", capabilities: { bandwidth: true } },
    { type: "firewall" },
  ],
};

let everybodys = "";
beforeAll(() => {
  becomeNode();
  everybodys = forEverybody(PLUGINS, ["bridge", "host-local", "portmap", "bandwidth", "firewall", "bauta"]);
  mkdirSync(CONF_DIR);
  writeFileSync(join(CONF_DIR, "10-dual.conflist"), JSON.stringify(LIST));
});

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function doctor(args: readonly string[], before: readonly string[] = [], executable = BAUTA): Outcome {
  const [program = "", ...rest] = [...before, executable, "doctor", ...args];
  return spawnSync(program, rest, { encoding: "utf8", env: { PATH: process.env["PATH"] ?? "" } });
}

/** All that a program could have left. */
function traces(): string {
  return [
    run("nft", "list", "ruleset"),
    run("ip", "-o", "link"),
    run("find", "/run", "/var/lib", "-printf", "%p %s %T@\n"),
  ].join("");
}

describe("bauta doctor", () => {
  it("finds nothing on a healthy node, tries out what networks take, and leaves no trace of that", () => {
    const before = traces();
    for (let i = 0; i < 2; i++) {
      expect(doctor(PLACES)).toMatchObject({
        status: 0,
        stdout: "14 checks: 0 problems, 0 warnings, 0 notes\n",
        stderr: "",
      });
    }
    expect(traces()).toBe(before);
  });

  it("takes less than 200 ms", () => {
    const times = Array.from({ length: 7 }, () => {
      const start = performance.now();
      doctor(PLACES);
      return performance.now() - start;
    });
    // What other programs of the machine take away is not doctor's.
    expect(Math.min(...times)).toBeLessThan(200);
  });

  it("says by its status whether there is a problem", () => {
    expect(doctor(["--conf-dir", "/run/none"]).status).toBe(1);
    expect(doctor(["--nonsense"]).status).toBe(2);
  });

  it("tells an ordinary user what there is to see, and what that user could not look at", () => {
    const file = join(CONF_DIR, "20-secret.conflist");
    writeFileSync(file, "{}", { mode: 0o600 });
    onTestFinished(() => rmSync(file));
    const { status, stdout } = doctor(
      ["--json", "--conf-dir", CONF_DIR, "--bin-dir", everybodys],
      AS_NOBODY,
      join(everybodys, "bauta"),
    );
    const { findings } = JSON.parse(stdout);
    const told = findings.map((one: { severity: string; check: string; text: string }) => {
      return `${one.severity} ${one.check}: ${one.text}`;
    });
    expect(told).toContainEqual(
      expect.stringMatching(/^unknown configurations: could not look: .*20-secret\.conflist/),
    );
    expect(told).toContainEqual(expect.stringMatching(/^unknown firewalls: could not look: .*EPERM/));
    expect(told).toContainEqual(expect.stringMatching(/^unknown kernel: could not look: .*EPERM/));
    expect(told.filter((line: string) => !line.startsWith("unknown"))).toEqual([]);
    expect(told.filter((line: string) => /executables|subnets|ranges|forwarding/.test(line))).toEqual([]);
    expect(status).toBe(0);
  });

  it("is root's in the namespaces of an ordinary user, too, and finds inotify used up there", () => {
    const printed = asOrdinaryUser(
      everybodys,
      `mkdir /run/net.d
       echo '${JSON.stringify(LIST)}' >/run/net.d/a.conflist
       doctor() { /mnt/bauta doctor --conf-dir /run/net.d --bin-dir /mnt; }
       doctor
       echo 3 >/proc/sys/user/max_inotify_instances
       doctor`,
    );
    expect(printed.split("\n")).toEqual([
      "14 checks: 0 problems, 0 warnings, 0 notes",
      expect.stringMatching(/^warning {2}inotify: only 3 instances of inotify/),
      "         sysctl -w fs.inotify.max_user_instances=8192",
      "14 checks: 0 problems, 1 warning, 0 notes",
      "",
    ]);
  });
});
