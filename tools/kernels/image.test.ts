import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { filesOfNode } from "./image.mjs";

const directory = mkdtempSync(join(tmpdir(), "bauta-image-"));
afterAll(() => rmSync(directory, { recursive: true }));

it("a guest gets the JavaScript that a distribution's Node.js keeps outside of the program", () => {
  const [one, other] = ["lexer.js", "acorn-walk.js"].map((name) => join(directory, name));
  for (const path of [one, other]) writeFileSync(String(path), "");
  const node = join(directory, "node");
  writeFileSync(node, `\x7fELF\0${one}\0${other}\0${join(directory, "absent.js")}\0index.js\0${one}\0`);
  expect(filesOfNode(node)).toEqual([one, other]);
});
