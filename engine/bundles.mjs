// The programs inside the executable: the name that the executable is called by, and the TypeScript that then runs.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const PLUGINS = join(import.meta.dirname, "../src/plugins");

/**
 * The program of one plugin: `export const plugin: Plugin` of src/plugins/NAME/plugin.ts.
 * @param {string} name
 * @returns {import("./bundle.mjs").Program}
 */
export function plugin(name) {
  const entry = `import { run } from "./src/main.ts"; import { plugin } from "./src/plugins/${name}/plugin.ts";
export const main = () => run(plugin);`;
  return { name, entry };
}

/** Every folder of src/plugins that has a plugin. */
export const PLUGIN_NAMES = readdirSync(PLUGINS).filter((name) => existsSync(join(PLUGINS, name, "plugin.ts")));

/** @type {readonly import("./bundle.mjs").Program[]} */
export const BUNDLES = [
  ...PLUGIN_NAMES.map(plugin),
  { name: "bauta", entry: `export { start as main } from "./src/cli/start.ts";` },
];
