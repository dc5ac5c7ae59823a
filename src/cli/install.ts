// `bauta install` and `bauta uninstall`.

import { version as release } from "../../package.json";
import { PLUGIN_NAMES } from "../plugins/all.ts";
import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { readFile } from "../sys/file.ts";
import { absolutePath } from "../sys/path.ts";
import { spawn } from "../sys/spawn.ts";
import { flag, suggestion, text } from "./arguments.ts";
import { countOf } from "./count.ts";
import { BinDirectory, type Occupant } from "./install/directory.ts";
import { explainingRefusals, InstallError } from "./install/failure.ts";
import type { Output } from "./io.ts";
import { QUIET, type Verb, verb } from "./verb.ts";

const DEFAULT = "/opt/cni/bin";
/** The file that this process runs. */
const OWN = "/proc/self/exe";
/** The command, besides the plugins. */
const COMMAND = "bauta";
/** A machine may be busy; VERSION takes a millisecond. */
const PATIENCE_MS = 30_000;

const binDir = text("DIRECTORY", `where the plugins are, ${DEFAULT} unless given`);
const dryRun = flag("tell what would be done, and change nothing");

export const install: Verb = verb({
  name: "install",
  summary: "Puts this executable where container runtimes look for CNI plugins",
  about: `
Copies this executable to DIRECTORY/.bauta/bauta, and makes the name of each
plugin, and bauta, a link to it. A file that has one of these names is kept in
DIRECTORY/.bauta/replaced; bauta uninstall puts it back.

Each name leads to the old file or to the new one at every moment, so runtimes
may go on meanwhile, and a newer executable is installed in the same way. The
new file is run before any name leads to it. After a kill at any step the same
command completes what was begun.
`,
  options: {
    "bin-dir": binDir,
    only: text("NAMES", "these plugins alone: bridge,ptp", problemOfNames),
    "dry-run": dryRun,
    ...QUIET,
  },
  run({ "bin-dir": given = DEFAULT, only, "dry-run": isDryRun }, io) {
    const directory = new BinDirectory(absolutePath(given));
    const names = [COMMAND, ...(only === undefined ? PLUGIN_NAMES : only.split(","))];
    io.doing(`waiting for ${directory.path}`);
    explainingRefusals(directory.path, () => {
      const before = new Map(names.map((name) => [name, directory.occupant(name)]));
      for (const [name, occupant] of before) {
        if (occupant === "directory")
          throw new InstallError(`${directory.path}/${name} is a directory: move it away, or choose with --only`);
      }
      if (isDryRun) io.print(planLines(directory, before));
      else put(directory, names, io);
    });
  },
});

export const uninstall: Verb = verb({
  name: "uninstall",
  summary: "Takes away what bauta install has put there, and puts back what was",
  about: `
What had the name of a plugin before has that name again, at once; where nothing
had it the name is removed. What runs goes on. A name that leads to somebody
else's file by now is left alone.
`,
  options: { "bin-dir": binDir, "dry-run": dryRun, ...QUIET },
  run({ "bin-dir": given = DEFAULT, "dry-run": isDryRun }, io) {
    const directory = new BinDirectory(absolutePath(given));
    io.doing(`waiting for ${directory.path}`);
    explainingRefusals(directory.path, () => {
      if (!directory.isInstalled) throw new InstallError(`bauta is not installed in ${directory.path}`);
      if (isDryRun) io.print(ownNames(directory).map((name) => `${name}: would be given back or removed`));
      else takeAway(directory, io);
    });
  },
});

/** What is wrong with a list of plugins' names. */
function problemOfNames(list: string): string | undefined {
  for (const name of list.split(",")) {
    if (!PLUGIN_NAMES.includes(name)) return `no list of plugins: there is no ${name}${suggestion(name, PLUGIN_NAMES)}`;
  }
  return undefined;
}

const PLANS: Readonly<Record<Occupant, string>> = {
  nothing: "would be a new name",
  ours: "is in place",
  other: "would lead to bauta, and the file that has this name would be kept",
  directory: "is a directory",
};

function planLines(directory: BinDirectory, occupants: ReadonlyMap<string, Occupant>): string[] {
  const isThere = directory.hasExecutable(OWN);
  return [
    `${directory.executable} ${isThere ? "is in place" : "would be this executable"}`,
    ...[...occupants].map(([name, occupant]) => `${name} ${PLANS[occupant]}`),
  ];
}

function put(directory: BinDirectory, names: readonly string[], io: Output): void {
  directory.locked(() => {
    if (!directory.hasExecutable(OWN)) directory.putExecutable(readFile(OWN), verify);
    const wanted = names.filter((name) => directory.occupant(name) !== "ours");
    const replaced = wanted.filter((name) => directory.occupant(name) === "other");
    directory.keep(replaced);
    for (const name of wanted) directory.take(name);
    directory.sync();
    io.notice([`installed bauta ${release} in ${directory.path} as ${names.join(", ")}`]);
    if (replaced.length > 0)
      io.notice([`kept ${countOf(replaced.length, "file")} that had these names; bauta uninstall puts them back`]);
  });
}

function takeAway(directory: BinDirectory, io: Output): void {
  directory.locked(() => {
    let back = 0;
    const names = ownNames(directory);
    for (const name of names) if (directory.giveBack(name)) back++;
    const isGone = directory.removeStore();
    directory.sync();
    io.notice([
      `removed ${countOf(names.length, "name")} from ${directory.path}, and put back ${countOf(back, "file")}`,
    ]);
    if (!isGone) io.log(`bauta: ${directory.kept("")} still has files whose names are somebody else's by now`);
  });
}

/** The names that lead to our executable. The command goes last, so that it is there until all is done. */
function ownNames(directory: BinDirectory): string[] {
  return [...PLUGIN_NAMES, COMMAND].filter((name) => directory.occupant(name) === "ours");
}

/** Throws InstallError where the file does not run as this executable does. */
function verify(path: string): void {
  const { status, stdout } = runs(path);
  if (status === 0 && engine.decode(stdout).startsWith(`bauta ${release}\n`)) return;
  throw new InstallError(`the copy of the executable does not run (status ${status}): is the disk all right?`);
}

function runs(path: string) {
  try {
    return spawn(path, ["bauta", "version"], [], new Uint8Array(), { keepsErrors: true, timeoutMs: PATIENCE_MS });
  } catch (error) {
    if (!hasCode(error, "EACCES", "EPERM")) throw error;
    const message = "programs in that directory can't be run: is its file system mounted with noexec?";
    throw new InstallError(message, { cause: error });
  }
}
