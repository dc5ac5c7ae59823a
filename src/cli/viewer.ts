// `bauta serve` and `bauta graph`: a program of its own shows the node, and this executable becomes it.

import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { becomeProgram } from "../sys/exec.ts";
import { readLink } from "../sys/file.ts";
import { text } from "./arguments.ts";
import type { Output } from "./io.ts";
import { type Verb, verb } from "./verb.ts";

const PROGRAM = "bauta-viewer";
/** The file that this process runs. */
const OWN = "/proc/self/exe";

/** The viewer is not there. */
class ViewerError extends Error {
  override readonly name: string = "ViewerError";
}

export const serve: Verb = verb({
  name: "serve",
  summary: "Shows the node in a browser, as it changes",
  about: `
Prints an address to open: a page with the networks, bridges, containers,
uplinks and published ports of this node, what is masqueraded as what, counters,
and the transactions of nf_tables as they happen. A family that a program takes
away from a container is red. The page is served on 127.0.0.1 only, to those who
know the address; it changes nothing. It ends by Ctrl-C.

The program bauta-viewer does this. It runs on Node.js and must be on PATH.
`,
  options: { port: text("PORT", "where to listen; a port that is free unless given") },
  run: ({ port }, io) => become(io, "serve", { port }),
});

export const graph: Verb = verb({
  name: "graph",
  summary: "Prints the same picture of the node as an SVG document",
  about: `
bauta graph > node.svg

The program bauta-viewer does this. It runs on Node.js and must be on PATH.
`,
  options: {
    network: text("NAME", "only this network"),
    width: text("PIXELS", "how wide the picture is, 1200 unless given"),
  },
  run: ({ network, width }, io) => become(io, "graph", { network, width }),
});

function become(io: Output, name: string, options: Readonly<Record<string, string | undefined>>): never {
  const given = Object.entries(options).flatMap(([option, value]) =>
    value === undefined ? [] : [`--${option}=${value}`],
  );
  const argv = [PROGRAM, name, `--bauta=${readLink(OWN)}`, ...given];
  for (const directory of (io.getenv("PATH") ?? "").split(":")) {
    if (!directory.startsWith("/")) continue;
    try {
      becomeProgram(`${directory}/${PROGRAM}`, argv, engine.environ());
    } catch (error) {
      if (!hasCode(error, "ENOENT", "ENOTDIR", "EACCES")) throw error;
    }
  }
  throw new ViewerError(
    `bauta ${name} needs the program ${PROGRAM}, and no directory of PATH has it: it runs on Node.js, and docs/viewer.md says how to get it`,
  );
}
