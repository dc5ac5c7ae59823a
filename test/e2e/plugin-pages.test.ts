// The examples of docs/plugins/*.md, each attached, checked and detached: nothing is left.

import { beforeAll, describe, it } from "vitest";
import { examplesOf, readPages } from "../../tools/plugin-pages/pages.ts";
import { run } from "../support/netns.ts";
import { attachAndDetach } from "./attach.ts";
import { becomeNode } from "./masquerade/node.ts";

beforeAll(() => {
  becomeNode();
  run("ip", ..."link property add dev uplink altname eth1".split(" ")); // the master of examples
});

const TEST = "test/e2e/plugin-pages.test.ts";
const examples = readPages().flatMap((page) => examplesOf(page).filter(({ test }) => test === TEST));

describe("an example of the plugins' pages", () => {
  it.each(examples.map((example) => [example.at, example] as const))("works: %s", (at, { text }) => {
    attachAndDetach(at, JSON.parse(text));
  });
});
