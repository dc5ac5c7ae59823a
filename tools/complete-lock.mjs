// complete-lock.mjs: adds the optional packages of other platforms to package-lock.json. A mirror may have only some of them;
// npm then leaves the others out, and `npm ci` refuses the lock file. Run this script after each `npm install`.
import { readFileSync, writeFileSync } from "node:fs";

const FILE = "package-lock.json";
const OS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const CPU = ["arm64", "arm", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"];

const lock = JSON.parse(readFileSync(FILE, "utf8"));
for (const entry of Object.values(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    if (lock.packages[path] !== undefined) continue;
    const words = name.split(/[-/]/);
    const os = name === "fsevents" ? "darwin" : OS.find((one) => words.includes(one));
    const cpu = CPU.find((one) => words.includes(one));
    lock.packages[path] = {
      version: String(range).replace(/^[~^]/, ""),
      ...(cpu === undefined ? {} : { cpu: [cpu] }),
      dev: true,
      optional: true,
      ...(os === undefined ? {} : { os: [os] }),
    };
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
