// podman, with all that it keeps in the directory of the test.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment, program, WORK } from "./runtime.ts";

/** podman gives conmon no environment but this. */
const variables = (...names: readonly string[]): string[] => names.map((name) => `${name}=${environment()[name]}`);

/** What a machine without systemd wants in containers.conf. runc: crun refuses hybrid control groups. */
export function engineConfiguration(): string {
  return `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
conmon_path = ["${program("conmon")}"]
conmon_env_vars = ${JSON.stringify(variables("PATH", "LD_LIBRARY_PATH"))}
[engine.runtimes]
runc = ["${program("runc")}"]
`;
}

/** The variables that lead podman to a storage of the test's own, whose configuration is written. */
export function storage(): { CONTAINERS_STORAGE_CONF: string } {
  const path = join(WORK, "storage.conf");
  writeFileSync(path, `[storage]\ndriver = "overlay"\nrunroot = "${WORK}/run"\ngraphroot = "${WORK}/graph"\n`);
  return { CONTAINERS_STORAGE_CONF: path };
}
