// Gives Node the engine functions that the engine has built in, before any file under src/ is loaded.

import { createRequire } from "node:module";
import { buildAddon } from "../../engine/addon.mjs";

const addon = createRequire(import.meta.url)(buildAddon()) as Omit<typeof globalThis.bautaEngine, "args">;

globalThis.bautaEngine = { ...addon, args: process.argv.slice(1) };
