// Test files share one /run, that of run-in-namespaces.sh. This removes the records that earlier files have left there.

import { readlinkSync, rmSync } from "node:fs";

const outer = process.env["BAUTA_TEST_OUTER_NETNS"];
if (outer !== undefined && readlinkSync("/proc/self/ns/net") !== outer) {
  rmSync("/run/bauta", { recursive: true, force: true });
}
