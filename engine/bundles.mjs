// The programs inside the executable: the name it is called by, and the TypeScript that then runs. A plugin's entry is
//   plugin("bridge")  for `export const bridge: Plugin` in src/plugins/bridge.ts
//   plugin("host-local", "hostLocal", "host-local/plugin.ts")  for another export, another file

/**
 * @param {string} name
 * @param {string} [exported]
 * @param {string} [file] Under src/plugins.
 * @returns {import("./bundle.mjs").Program}
 */
export function plugin(name, exported = name, file = `${name}.ts`) {
  const entry = `import { run } from "./src/main.ts"; import { ${exported} } from "./src/plugins/${file}";
export const main = () => run(${exported});`;
  return { name, entry };
}

/** @type {readonly import("./bundle.mjs").Program[]} */
export const BUNDLES = [
  plugin("bridge", "bridge", "bridge/plugin.ts"),
  plugin("host-local", "hostLocalPlugin"),
  plugin("loopback"),
  plugin("ptp"),
  plugin("static", "staticPlugin"),
  { name: "bauta", entry: `export { start as main } from "./src/cli/start.ts";` },
];
