// The parts of ECMAScript that this engine leaves out, because to set them up would cost the start of every plugin (quickjs.c,
// new_context). The library of TypeScript and Node have them all, so the build looks for uses of them.

const GLOBALS = [
  ...["Date", "Intl", "Promise", "Proxy", "WeakRef", "FinalizationRegistry", "Atomics", "SharedArrayBuffer", "eval"],
  ...["console", "process", "Buffer", "TextEncoder", "TextDecoder", "URL", "setTimeout", "queueMicrotask", "fetch"],
  "structuredClone",
];
/** `random` would have its seed in the heap that the build makes ready: the same numbers in each process. */
const METHODS = ["localeCompare", "normalize", "random"];

const MARK = "bauta_absent_";

/** For esbuild: each use of such a global, and only of the global, becomes one of a name that `absentFeatures` finds. */
export const MARKED_GLOBALS = Object.fromEntries(GLOBALS.map((name) => [name, `${MARK}${name}`]));

/** For esbuild: async functions become calls of a helper of this name. */
export const LOWERED = { "async-await": false, "async-generator": false };
const ASYNC_HELPER = /\b__async(?:Generator)?\(/;

/**
 * The names of the features that the bundle uses and the engine lacks. `typeof` such a global does not count as a use.
 * @param {string} code
 * @returns {string[]}
 */
export function absentFeatures(code) {
  const globals = [...code.matchAll(new RegExp(`(?<!typeof )\\b${MARK}(\\w+)`, "g"))].map(([, name]) => String(name));
  const methods = [...code.matchAll(/\.(\w+)\(/g)].map(([, name]) => String(name));
  const used = [...globals, ...methods.filter((name) => METHODS.includes(name))];
  if (ASYNC_HELPER.test(code)) used.push("async functions");
  return [...new Set(used)];
}
