// `bauta licenses`: what the executable carries of others, and the notices that must come along with it.

import { notices } from "./notices.ts";
import { type Verb, verb } from "./verb.ts";

export const licenses: Verb = verb({
  name: "licenses",
  summary: "Prints the licences of what the executable contains",
  about: "bauta itself is under the Apache License 2.0.",
  options: {},
  run(_, io) {
    const parts = notices.map(({ name, version, text }) => `${heading(`${name} ${version}`.trim())}\n${text.trim()}\n`);
    io.printText(["bauta: Apache License 2.0, https://www.apache.org/licenses/LICENSE-2.0\n", ...parts].join("\n"));
  },
});

function heading(text: string): string {
  return `${text}\n${"=".repeat(text.length)}\n`;
}
