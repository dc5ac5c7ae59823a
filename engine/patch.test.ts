import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { patchedEngine } from "./patch.mjs";

const directory = mkdtempSync(join(tmpdir(), "bauta-patch-"));
afterAll(() => rmSync(directory, { recursive: true }));

const LOCAL = "if (s->vars[var_idx].is_lexical)";
const CLOSURE = "if (s->closure_var[idx].is_lexical)";
const UNSET = `dbuf_putc(&bc_out, OP_set_loc_uninitialized);\n${" ".repeat(32)}dbuf_put_u16(&bc_out, scope_idx);`;

function patched(...texts: readonly string[]): string {
  writeFileSync(join(directory, "quickjs.c"), texts.join("\n"));
  return readFileSync(patchedEngine(directory, join(directory, "patched")), "utf8");
}

describe("the engine's source", () => {
  it("loses what looks whether a variable is set, but for `this`", () => {
    const code = patched(LOCAL, CLOSURE, LOCAL, CLOSURE, LOCAL, CLOSURE, `begin ${UNSET} end`, "rest");
    expect(code.match(/is_lexical && var_name == JS_ATOM_this\)$/gm)).toHaveLength(6);
    expect(code.split("\n").slice(-2)).toEqual(["begin  end", "rest"]);
  });

  it("is refused where it is another", () => {
    const all = [LOCAL, CLOSURE, LOCAL, CLOSURE, LOCAL, CLOSURE];
    expect(() => patched(...all)).toThrow(/OP_set_loc_uninitialized.* 0 times, not 1$/);
    expect(() => patched(...all, LOCAL, UNSET)).toThrow(/vars.* 4 times, not 3$/);
  });
});
