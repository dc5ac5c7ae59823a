// The pages of the documentation: each block that can be run is run by a test, or says why not, and each link leads somewhere.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { type Block, blocksOf, type DocPage, readDocPages } from "./doc-pages.ts";

const ROOT = join(import.meta.dirname, "..");
const PAGES = readDocPages();

const named = PAGES.map((page) => [page.path, page] as const);

/** Why a block of another test is not accounted for; undefined where all is well. */
function complaint({ path }: DocPage, { at, language, text, test, excuse }: Block): string | undefined {
  if (test === undefined && excuse === undefined) {
    if (language !== "") return `${at}: nothing runs this ${language}, and no reason is given`;
    if (/^[$#] /m.test(text)) return `${at}: a block with commands begins with \`\`\`console`;
  }
  if (test === undefined) return undefined;
  if (!existsSync(join(ROOT, test))) return `${at}: there is no ${test}`;
  // Pages of the default test are read from the directory.
  const isNamed = /doc-pages|plugin-pages/.test(test) || readFileSync(join(ROOT, test), "utf8").includes(`"${path}"`);
  return isNamed ? undefined : `${at}: ${test} does not run ${path}`;
}

describe.each(named)("%s", (path, page) => {
  it("has no block that nothing runs and that gives no reason", () => {
    expect(blocksOf(page).flatMap((block) => complaint(page, block) ?? [])).toEqual([]);
  });

  it("has commands and configurations that are well-formed where nothing can run them", () => {
    for (const { at, language, text, excuse } of blocksOf(page)) {
      if (excuse === undefined) continue;
      if (language === "json") expect(() => JSON.parse(text), at).not.toThrow();
      if (language === "sh") {
        const { status, stderr } = spawnSync("bash", ["-n", "-c", text], { encoding: "utf8" });
        expect([at, status, stderr]).toEqual([at, 0, ""]);
      }
    }
  });

  it("has links that lead somewhere", () => {
    const prose = page.text.replace(/^```[\s\S]*?^```$/gm, "");
    const targets = [...prose.matchAll(/\]\((?!https?:)([^)\s]*)\)/g)].map(([, target = ""]) => target);
    expect(targets.filter((target) => !leadsSomewhere(path, target))).toEqual([]);
  });
});

function leadsSomewhere(from: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = join(ROOT, file === "" ? from : normalize(join(dirname(from), file)));
  if (!existsSync(path)) return false;
  return anchor === undefined || anchorsOf(readFileSync(path, "utf8")).includes(anchor);
}

/** The anchors of headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("blocksOf()", () => {
  const blocks = (text: string): Block[] => blocksOf({ path: "docs/x.md", text });

  it("tells what runs each block, or why nothing does", () => {
    const text = [
      "# x",
      "```sh",
      "ls",
      "```",
      "```sh no-run: wants a cluster",
      "kubectl get pods",
      "```",
      "<!-- sh",
      "nft flush ruleset",
      "-->",
      "<!-- step: a pod starts -->",
      "```toml run-by: test/x.test.ts",
      "a = 1",
      "```",
      "```",
      "an output",
      "```",
    ].join("\n");
    const ours = "test/e2e/doc-pages.test.ts";
    const [test, excuse] = [undefined, undefined];
    expect(blocks(text)).toEqual([
      { at: "docs/x.md, line 2", language: "sh", text: "ls\n", test: ours, excuse },
      { at: "docs/x.md, line 5", language: "sh", text: "kubectl get pods\n", test, excuse: "wants a cluster" },
      { at: "docs/x.md, line 8", language: "sh", text: "nft flush ruleset\n", test: ours, excuse },
      { at: "docs/x.md, line 11", language: "step", text: "a pod starts", test: ours, excuse },
      { at: "docs/x.md, line 12", language: "toml", text: "a = 1\n", test: "test/x.test.ts", excuse },
      { at: "docs/x.md, line 15", language: "", text: "an output\n", test, excuse },
    ]);
  });

  it("takes the test that the page names for all of the page's blocks", () => {
    const [block] = blocks("<!-- run by test/runtimes/pages.test.ts -->\n```sh\nls\n```\n");
    expect(block?.test).toBe("test/runtimes/pages.test.ts");
  });

  it("refuses a fence that says something else", () => {
    expect(() => blocks("```sh norun\nls\n```\n")).toThrow('docs/x.md, line 1: "sh norun" says neither');
  });
});
