#!/usr/bin/env node
// The command, for npx: finds the package that has the executable for this machine, and runs it.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";

const require = createRequire(import.meta.url);
const MANIFEST = "../package.json";
const name = `@bauta/${process.platform}-${process.arch}`;

function executable() {
  try {
    return require.resolve(`${name}/bauta`);
  } catch {
    const { optionalDependencies } = require(MANIFEST);
    const reason =
      name in optionalDependencies
        ? `the package ${name} is not installed: install bauta again, without --omit=optional`
        : `there is no executable for ${process.platform} on ${process.arch}, only ${Object.keys(optionalDependencies).join(", ")}`;
    process.stderr.write(`bauta: ${reason}\n`);
    process.exit(1);
  }
}

const child = spawn(executable(), process.argv.slice(2), { argv0: "bauta", stdio: "inherit" });
// A terminal sends SIGINT to both. What is sent to this process alone is passed on, and the command ends as it likes.
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("error", (error) => {
  process.stderr.write(`bauta: the executable can't be started: ${error.message}\n`);
  process.exit(1);
});
child.on("exit", (status, signal) => process.exit(signal === null ? (status ?? 1) : 128 + constants.signals[signal]));
