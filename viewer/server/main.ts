// bauta-viewer: shows in a browser, or as a file, what bauta's plugins have set up on this node.

import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { parseArgs } from "node:util";
import { pictureOf } from "../model/picture.ts";
import type { ListedAttachment } from "../model/reports.ts";
import { graphOf } from "../picture/graph.tsx";
import { executableAt } from "./executable.ts";
import { Feed } from "./feed.ts";
import { type PageFile, serve } from "./server.ts";

const HELP = `Usage: bauta-viewer serve [--port PORT] [--bauta PATH]
       bauta-viewer graph [--network NAME] [--width PIXELS] [--bauta PATH]

serve shows the node in a browser: networks, bridges, containers, uplinks and
published ports, what is masqueraded as what, and the generations of nf_tables
as they happen. It listens on 127.0.0.1 only, prints the address to open, which
has a token in it, changes nothing, and ends by Ctrl-C.

graph prints the same picture as an SVG document.

Options:
  --port PORT     where serve listens; one that is free unless given
  --network NAME  only this network
  --width PIXELS  how wide the picture is, 1200 unless given
  --bauta PATH    bauta's executable, "bauta" on PATH unless given
`;

class UsageError extends Error {}

const TYPES = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".svg", "image/svg+xml"],
]);

async function main(): Promise<void> {
  const { values, command } = commandLine();
  const bauta = executableAt(values.bauta ?? process.env["BAUTA"] ?? "bauta");
  switch (values.help === true ? "help" : command) {
    case "help":
      process.stdout.write(HELP);
      return;
    case "graph": {
      const width = numberOf("width", values.width ?? "1200", 100_000);
      const only = values.network === undefined ? [] : ["--network", values.network];
      const listed: ListedAttachment[] = JSON.parse(await bauta.run(["list", "--json", ...only]));
      const node = JSON.parse(await bauta.run(["node", "--json"]));
      process.stdout.write(graphOf(pictureOf(listed, node), width));
      return;
    }
    case "serve": {
      const port = numberOf("port", values.port ?? "0", 65535);
      const feed = new Feed(bauta);
      const token = randomBytes(24).toString("base64url");
      const server = await serve({ feed, token, files: filesIn(join(import.meta.dirname, "page")), port });
      feed.start();
      process.stdout.write(`http://127.0.0.1:${server.port}/${token}/\n`);
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.once(signal, () => {
          feed.stop();
          server.close();
        });
      }
      return;
    }
    default:
      throw new UsageError(command === undefined ? "serve or graph?" : `unknown command ${JSON.stringify(command)}`);
  }
}

function commandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        port: { type: "string" },
        bauta: { type: "string" },
        network: { type: "string" },
        width: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (positionals.length > 1) throw new Error(`unexpected argument ${JSON.stringify(positionals[1])}`);
    return { values, command: positionals[0] };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function numberOf(name: string, text: string, most: number): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= most)) throw new UsageError(`--${name} ${JSON.stringify(text)} is not a number up to ${most}`);
  return number;
}

/** The page's files, by their paths behind the token. */
function filesIn(directory: string): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const type = TYPES.get(extname(entry.name)) ?? "application/octet-stream";
    const name = path.slice(directory.length + 1);
    files.set(name === "index.html" ? "" : name, { type, content: readFileSync(path) });
  }
  return files;
}

main().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `bauta-viewer: ${text}\n${error instanceof UsageError ? "bauta-viewer help tells more.\n" : ""}`,
  );
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
