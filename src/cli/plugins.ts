// The names that the executable is a plugin by, for whoever called it by another. A test holds them against the table
// that the build takes them from, engine/bundles.mjs.

export const PLUGINS: readonly string[] = ["bridge", "host-local", "loopback", "ptp", "static"];
