// Gives Node the host functions that the engine has built in, as test/support/setup-host.ts does on the machine itself.

import { createRequire } from "node:module";

const addon = createRequire("/")("/bauta/host.node") as Omit<typeof globalThis.bautaHost, "args">;

globalThis.bautaHost = { ...addon, args: process.argv.slice(1) };
