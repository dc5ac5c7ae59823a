// `bauta version`.

import { version as release } from "../../package.json";
import { SUPPORTED_VERSIONS } from "../cni/versions.ts";
import { notices } from "./notices.ts";
import { type Verb, verb } from "./verb.ts";

export const version: Verb = verb({
  name: "version",
  summary: "Prints the version of bauta, and the versions of CNI that its plugins speak",
  about: "The first line is `bauta` and the version.",
  options: {},
  run(_, io) {
    const parts = notices.map((notice) => `${notice.name} ${notice.version}`.trim());
    const lines = [`bauta ${release}`, `CNI ${SUPPORTED_VERSIONS.join(", ")}`];
    io.print(parts.length > 0 ? [...lines, `built with ${parts.join(", ")}`] : lines);
  },
});
