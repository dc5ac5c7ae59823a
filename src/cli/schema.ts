// `bauta schema`: what a configuration may hold, for editors.

import { PLUGIN_NAMES } from "../plugins/all.ts";
import { suggestion, UsageError } from "./arguments.ts";
import { schemaDocument } from "./schema/documents.ts";
import { type Verb, verb } from "./verb.ts";

const ABOUT = `
Prints a JSON Schema (draft 2020-12), made from the very definitions that the
plugins read their configuration by: of what PLUGIN takes (for host-local and
static, of the section "ipam"), or without PLUGIN of a configuration list
(/etc/cni/net.d/*.conflist) with these plugins in it. Keys that it does not know
are allowed, as they may be another plugin's.

An editor that is told so completes and checks a conflist: in VS Code

  "json.schemas": [{"fileMatch": ["*.conflist"], "url": "./bauta.schema.json"}]

The plugins are more lenient in two things, as others' are: they find a key
whatever its case, and one that is null counts as absent. They are stricter
where values must fit each other (hairpinMode and promiscMode, an address and
its range).
`;

export const schema: Verb = verb({
  name: "schema",
  summary: "Prints the JSON Schema of a plugin's configuration, or of a configuration list",
  about: ABOUT,
  options: {},
  operands: { name: "PLUGIN", least: 0, most: 1, words: () => PLUGIN_NAMES },
  run(_, io, [plugin]) {
    const document = schemaDocument(plugin);
    if (document === undefined) {
      const name = plugin ?? "";
      const hint = suggestion(name, PLUGIN_NAMES) || `: the plugins are ${PLUGIN_NAMES.join(", ")}`;
      throw new UsageError(`unknown plugin ${JSON.stringify(name)}${hint}`);
    }
    io.printJson(JSON.stringify(document, undefined, 2));
  },
});
