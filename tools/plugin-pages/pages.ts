// The pages of the plugins, docs/plugins/NAME.md: prose, examples, and the table of keys between two marks.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { PLUGINS } from "../../src/plugins/all.ts";
import { type Block, blocksOf } from "../doc-pages.ts";
import { keyTable } from "./table.ts";

const DIRECTORY = join(import.meta.dirname, "../../docs/plugins");

const BEGIN = "<!-- keys: made by tools/plugin-pages.mjs -->";
const END = "<!-- end of keys -->";
const HEADING = "## Keys\n";

export interface Page {
  readonly plugin: string;
  readonly path: string;
  readonly text: string;
}

/** All pages that there are. */
export function readPages(): Page[] {
  const names = readdirSync(DIRECTORY).filter((name) => name.endsWith(".md"));
  return names.sort().map((name) => {
    const path = join(DIRECTORY, name);
    return { plugin: basename(name, ".md"), path, text: readFileSync(path, "utf8") };
  });
}

/** What the page should be. Throws for a page that is no plugin's. */
export function currentText({ plugin, path, text }: Page): string {
  const found = PLUGINS.find(({ name }) => name === plugin);
  if (found === undefined) throw new Error(`${path}: there is no plugin ${plugin}`);
  return withTable(text, keyTable(found));
}

/** The page with this table between the marks; without marks, under the heading "Keys", which the page gets if need be. */
export function withTable(text: string, table: string): string {
  const marked = `${BEGIN}\n${table}\n${END}\n`;
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin >= 0 && end > begin) return text.slice(0, begin) + marked + text.slice(end + END.length + 1);
  const heading = text.indexOf(HEADING);
  if (heading < 0) return `${text.trimEnd()}\n\n${HEADING}\n${marked}`;
  const at = heading + HEADING.length;
  const rest = text.slice(at).replace(/^\n+/, "");
  return `${text.slice(0, at)}\n${marked}${rest === "" ? "" : `\n${rest}`}`;
}

/** The examples of a page: blocks of JSON. Those that give a reason why nothing runs them are only checked. */
export function examplesOf({ path, text }: Page): Block[] {
  const blocks = blocksOf({ path: join("docs/plugins", basename(path)), text });
  return blocks.filter(({ language }) => language === "json");
}
