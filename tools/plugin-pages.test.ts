// The pages of the plugins: there is one for each, its table of keys is that of the schema, and its examples are configurations.

import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { schemaDocument } from "../src/cli/schema/documents.ts";
import {
  array,
  boolean,
  integer,
  judgedLater,
  object,
  oneOf,
  optional,
  record,
  string,
  text,
  withDefault,
} from "../src/cni/schema.ts";
import { PLUGIN_NAMES } from "../src/plugins/all.ts";
import { currentText, examplesOf, readPages, withTable } from "./plugin-pages/pages.ts";
import { keyTable } from "./plugin-pages/table.ts";

const PAGES = readPages();
const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");

it("every plugin has a page, and no page is without a plugin", () => {
  expect(PAGES.map(({ plugin }) => plugin)).toEqual(PLUGIN_NAMES);
});

describe.each(PAGES.map((page) => [page.plugin, page] as const))("the page of %s", (plugin, page) => {
  it("has the table of keys that the schema makes: `node tools/plugin-pages.mjs` writes it", () => {
    expect(page.text).toBe(currentText(page));
  });

  it("says of each key what it does", () => {
    expect(page.text.match(/^\| `.*\| {2}\|$/gm)).toBeNull();
  });

  it("is linked to by README.md", () => {
    expect(README).toContain(`\n| [\`${plugin}\`](docs/plugins/${plugin}.md) |`);
  });

  it("has examples, which the JSON Schemas of `bauta schema` take", () => {
    const examples = examplesOf(page);
    expect(examples.length).toBeGreaterThan(0);
    for (const { at, text: block } of examples) {
      const example = JSON.parse(block);
      const document = schemaDocument(example.plugins === undefined ? example.type : undefined);
      if (document === undefined) throw new Error(`${at}: neither a list nor a plugin's configuration`);
      const validate = new Ajv2020({ strictTypes: false, strictRequired: false }).compile(document);
      expect([at, validate(example), validate.errors]).toEqual([at, true, null]);
    }
  });
});

describe("keyTable()", () => {
  const table = (fields: Parameters<typeof object>[0], kind: "chained" | "ipam" = "chained"): string[] =>
    keyTable({ keys: [object(fields)], kind })
      .split("\n")
      .slice(2);

  it("tells of each kind of value what it may be", () => {
    const fields = {
      flag: withDefault(boolean("a flag"), false),
      number: integer(1, 5, "a number"),
      word: optional(oneOf(["a", "b"], "a | b")),
      address: optional(text("an address (IPv4)", () => 1, "an address")),
      later: optional(judgedLater(text("a MAC address", () => 1, "judged later"))),
      list: optional(array(string(), "some", 1)),
      map: withDefault(record(string(), "a map"), new Map()),
    };
    expect(table(fields)).toEqual([
      "| `flag` | `true` or `false` | `false` | a flag |",
      "| `number` | a number from 1 to 5 | must be given | a number |",
      '| `word` | `"a"`, `"b"` |  | a \\| b |',
      "| `address` | an address |  | an address |",
      "| `later` | a MAC address |  | judged later |",
      "| `list` | a list of at least one: a text |  | some |",
      "| `map` | an object whose keys are yours: a text |  | a map |",
    ]);
  });

  it("goes into objects and lists, and into what the runtime says only as far as it has no words for it", () => {
    const inner = object({ a: string("first"), b: optional(string("second")) });
    expect(
      table({ sets: optional(array(array(inner), "sets")), args: optional(object({ cni: optional(inner) })) }),
    ).toEqual([
      "| `sets` | a list: a list: an object |  | sets |",
      "| `sets[][].a` | a text | must be given | first |",
      "| `sets[][].b` | a text |  | second |",
      "| `args.cni.a` | a text | must be given | first |",
      "| `args.cni.b` | a text |  | second |",
    ]);
    const said = object({ args: optional(object({ cni: optional({ ...inner, about: "what it says" }) })) });
    expect(keyTable({ keys: [said], kind: "chained" })).toContain(
      "| `args.cni` | an object of `a`, `b` |  | what it says |",
    );
  });

  it("puts the keys of an IPAM plugin into the section ipam", () => {
    expect(table({ a: string("x") }, "ipam")).toEqual(["| `ipam.a` | a text | must be given | x |"]);
  });

  it("has a sentence for a plugin without keys", () => {
    expect(keyTable({ keys: [], kind: "interface" })).toBe("It has no keys of its own.");
  });
});

describe("withTable()", () => {
  const [begin, end] = ["<!-- keys: made by tools/plugin-pages.mjs -->", "<!-- end of keys -->"];

  it("puts the table under the heading, and replaces it there", () => {
    const first = withTable("# x\n\n## Keys\n\nMore.\n\n## Else\n", "one");
    expect(first).toBe(`# x\n\n## Keys\n\n${begin}\none\n${end}\n\nMore.\n\n## Else\n`);
    expect(withTable(first, "two")).toBe(first.replace("one", "two"));
    expect(withTable(first, "one")).toBe(first);
  });

  it("adds the heading where there is none", () => {
    expect(withTable("# x\n", "one")).toBe(`# x\n\n## Keys\n\n${begin}\none\n${end}\n`);
    expect(withTable("# x\n\n## Keys\n", "one")).toBe(`# x\n\n## Keys\n\n${begin}\none\n${end}\n`);
  });
});
