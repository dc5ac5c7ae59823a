// inotify: a container runtime that is started when there is none left does not see its network configuration.

import { inotifyHeadroom } from "../../sys/inotify.ts";
import type { Check, Finding } from "./finding.ts";
import type { Node } from "./node.ts";

/** A runtime and an agent take a few. */
const WANTED = 8;

export const inotify: Check<Node> = {
  name: "inotify",
  look() {
    const { instances, hasWatches } = inotifyHeadroom(WANTED);
    const findings: Finding[] = [];
    if (instances < WANTED) {
      const text = `${instances === 0 ? "no instance" : `only ${instances} instances`} of inotify can be made any more: runtimes can't be started, or don't see changes of configurations`;
      findings.push({ severity: "warning", text, remedy: "sysctl -w fs.inotify.max_user_instances=8192" });
    }
    if (!hasWatches) {
      const text = "no watch of inotify can be added any more: runtimes don't see changes of configurations";
      findings.push({ severity: "warning", text, remedy: "sysctl -w fs.inotify.max_user_watches=524288" });
    }
    return findings;
  },
};
