// The contract that the CNI specification has with every plugin, for all of ours. It takes no privileges.

import { CASES } from "../../test/conformance/cases.ts";
import { runContract } from "../../test/conformance/contract.ts";
import { PLUGINS } from "./all.ts";

for (const plugin of PLUGINS) {
  const { config = {}, wrong } = CASES[plugin.name] ?? {};
  runContract(plugin, wrong === undefined ? { config } : { config, wrong });
}
