// The life of an attachment of every plugin whose kind of link this kernel is sure to have.

import { PLUGINS } from "../../src/plugins/all.ts";
import { CASES, type Case } from "../conformance/cases.ts";
import { companion } from "../conformance/chained-example.ts";
import { runLives } from "../conformance/lives.ts";

const isHere = ({ module, hasDaemon }: Case): boolean => module === undefined && hasDaemon !== true;

runLives([...PLUGINS.filter(({ name }) => isHere(CASES[name] ?? fail(name))), companion]);

function fail(name: string): never {
  throw new Error(`test/conformance/cases.ts has no case for ${name}`);
}
