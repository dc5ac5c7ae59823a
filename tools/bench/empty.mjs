// node tools/bench/empty.mjs OUTPUT: an executable like ours whose only program does nothing: what the engine's own start
// takes.
import { buildExecutable } from "../../engine/executable.mjs";
import { preferredFlavour } from "../../engine/toolchain.mjs";

const [output] = process.argv.slice(2);
if (output === undefined) throw new Error("usage: empty.mjs OUTPUT");
await buildExecutable(await preferredFlavour(), [{ name: "empty", entry: "export const main = () => {};" }], output);
