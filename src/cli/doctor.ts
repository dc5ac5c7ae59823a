// `bauta doctor`: whether this node can serve containers.

import { flag, text } from "./arguments.ts";
import { countOf } from "./count.ts";
import { CHECKS } from "./doctor/checks.ts";
import { examine, type Told } from "./doctor/examine.ts";
import type { Severity } from "./doctor/finding.ts";
import { thisNode } from "./doctor/node.ts";
import { IncompleteError } from "./incomplete.ts";
import { type Style, styleFor } from "./terminal-text.ts";
import { QUIET, type Verb, verb } from "./verb.ts";

const ABOUT = `
Looks for what keeps containers from being attached, or their packets from
getting through, and says what to do about it. Nothing on the node is changed.

It reads each configuration in /etc/cni/net.d as container runtimes and plugins
do, and asks for what these need: the plugins' executables, parts of the kernel,
forwarding, routes, firewalls that let packets through, addresses that are left.
Besides it looks for leftovers, and for what runs out: flows of connection
tracking, room on /run and /var/lib/cni, instances of inotify.

Each finding has a severity:

  problem  containers can't be attached, or can't reach what they should
  warning  it works, and may soon not, or not as it is meant
  note     worth knowing
  unknown  it could not be looked at, for want of privileges say

Exit status: 0 no problem was found, 1 there is one, 2 it was asked for wrongly.

--json prints one object:

  checks    the names of all that was looked at
  findings  an array of objects, the worst first:
    check, severity   as above
    text, remedy      what is so, and what to do
    file              the path of the file that it is about, where it is one
    line, column      the place in it, where there is one, both from 1
`;

export const doctor: Verb = verb({
  name: "doctor",
  summary: "Tells what keeps this node from serving containers",
  about: ABOUT,
  options: {
    json: flag("print JSON"),
    "conf-dir": text("DIR", "where lists are, /etc/cni/net.d unless given"),
    "bin-dir": text("DIRS", "where the plugins are, /opt/cni/bin unless given"),
    ...QUIET,
  },
  run({ json, "conf-dir": confDir = "/etc/cni/net.d", "bin-dir": binDir = "/opt/cni/bin" }, io) {
    const findings = examine(CHECKS, thisNode(confDir, binDir, io.openNftables), io.doing);
    if (json) {
      io.printJson(asJson(findings));
    } else {
      const style = styleFor(io.isTerminal(), io.getenv);
      io.print(findings.flatMap((one) => linesOf(one, style)));
      io.notice([summaryOf(findings)]);
    }
    const problems = findings.filter(({ severity }) => severity === "problem").length;
    if (problems > 0)
      throw new IncompleteError(
        `${countOf(problems, "problem")} of this node ${problems === 1 ? "keeps" : "keep"} containers from working`,
      );
  },
});

function asJson(findings: readonly Told[]): string {
  const rows = findings.map(({ check, severity, text: what, remedy, file, position }) =>
    JSON.stringify({ check, severity, text: what, remedy, file, ...position }),
  );
  const checks = JSON.stringify(CHECKS.map(({ name }) => name));
  return `{"checks":${checks},"findings":[${rows.map((row) => `\n ${row}`).join(",")}${rows.length > 0 ? "\n" : ""}]}`;
}

function linesOf({ check, severity, text: what, remedy, file, position }: Told, style: Style): string[] {
  const place = position === undefined ? "" : `:${position.line}:${position.column}`;
  const where = file === undefined ? "" : `${file}${place}: `;
  return [`${paint(severity, style)}  ${check}: ${where}${what}`, `         ${remedy}`];
}

function paint(severity: Severity, style: Style): string {
  const text = severity.padEnd("problem".length);
  return severity === "problem" ? style.red(text) : severity === "warning" ? style.yellow(text) : style.dim(text);
}

function summaryOf(findings: readonly Told[]): string {
  const count = (severity: Severity): number => findings.filter((one) => one.severity === severity).length;
  const parts = [
    countOf(count("problem"), "problem"),
    countOf(count("warning"), "warning"),
    countOf(count("note"), "note"),
  ];
  const blind = count("unknown");
  if (blind > 0) parts.push(`${countOf(blind, "check")} could not look`);
  return `${countOf(CHECKS.length, "check")}: ${parts.join(", ")}`;
}
