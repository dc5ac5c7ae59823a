// The life of an attachment of the plugins that take a module which not every kernel has. Runs in guests only
// (npm run test:kernels).

import { PLUGINS } from "../../src/plugins/all.ts";
import { CASES } from "../conformance/cases.ts";
import { runLives } from "../conformance/lives.ts";

runLives(PLUGINS.filter(({ name }) => CASES[name]?.module !== undefined));
