// Gives Node the engine functions that the engine has built in, as test/support/setup-engine.ts does on the machine itself.

import { createRequire } from "node:module";

const addon = createRequire("/")("/bauta/engine.node") as Omit<typeof globalThis.bautaEngine, "args">;

globalThis.bautaEngine = { ...addon, args: process.argv.slice(1) };
