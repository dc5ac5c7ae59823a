// The pages of the documentation: README.md and docs, without the decisions and the benchmarks, and what runs each of their blocks.
//
//   ```sh, ```console, ```json       the page's session runs it (test/support/page-session.ts), in the page's order
//   ```LANGUAGE run-by: TEST FILE    that test runs it
//   ```LANGUAGE no-run: REASON       nobody can, and why
//   ```                              an output, a rule, a picture: nothing to run
//   ```json on a plugin's page       attached by itself, by test/e2e/plugin-pages.test.ts
//   <!-- run by TEST FILE -->        that test runs the session of the whole page
//   <!-- sh … -->                    a reader need not see it: what stands for the world around, run as ```sh
//   <!-- step: NAME -->              something that the test does by itself: a kubelet's call, say

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** The test that runs the session of a page that names no other. */
const DEFAULT_TEST = "test/e2e/doc-pages.test.ts";

/** The plugins' examples of JSON are attached each by itself. */
const PLUGIN_TEST = "test/e2e/plugin-pages.test.ts";

/** What a session can run. */
export const RUNNABLE: readonly string[] = ["sh", "console", "json", "step"];

export interface DocPage {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

export interface Block {
  /** Where it is: `docs/operations.md, line 6`. */
  readonly at: string;
  /** The first word behind the fence; empty for what is only shown, `step` for something that the test does. */
  readonly language: string;
  readonly text: string;
  /** The file of the test that runs it; undefined where nothing does. */
  readonly test: string | undefined;
  /** Why nothing runs it. */
  readonly excuse: string | undefined;
}

/** All pages that a user reads. */
export function readDocPages(): DocPage[] {
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" });
  const paths = docs.filter((name) => name.endsWith(".md") && !/^(adr|benchmarks)\//.test(name)).sort();
  return ["README.md", ...paths.map((name) => join("docs", name))].map(readDocPage);
}

/** @param path From the root of the repository. */
export function readDocPage(path: string): DocPage {
  return { path, text: readFileSync(join(ROOT, path), "utf8") };
}

const BLOCK = /^```(.*)\n([\s\S]*?)^```$|^<!-- (sh)\n([\s\S]*?)^-->$|^<!-- (step): (.+) -->$/gm;

/** The page's blocks in their order. Throws for a fence that says something else than the above. */
export function blocksOf({ path, text }: DocPage): Block[] {
  const pageTest = /^<!-- run by (\S+) -->$/m.exec(text)?.[1] ?? DEFAULT_TEST;
  return [...text.matchAll(BLOCK)].map((match): Block => {
    const [, info, fenced, comment, hidden, step, name] = match;
    const at = `${path}, line ${text.slice(0, match.index).split("\n").length}`;
    const found = /^(\w*)(?: (run-by|no-run): (.+))?$/.exec(info ?? comment ?? step ?? "");
    if (found === null) throw new Error(`${at}: "${info}" says neither "run-by: TEST FILE" nor "no-run: REASON"`);
    const [, language = "", how, value] = found;
    const isRun = how === undefined && RUNNABLE.includes(language);
    const isExample = language === "json" && path.startsWith("docs/plugins/");
    return {
      at,
      language,
      text: fenced ?? hidden ?? name ?? "",
      test: how === "run-by" ? value : isExample && isRun ? PLUGIN_TEST : isRun ? pageTest : undefined,
      excuse: how === "no-run" ? value : undefined,
    };
  });
}
