// The one thing that is different in the QuickJS we run: a variable isn't looked at for whether its declaration has been
// reached. QuickJS does that at each use of a `let` or `const`, and marks all of a block as unset before: 19 % of the
// operations of a bridge ADD, and without it an ADD is 3.5 % fewer instructions. To use one too early gives undefined and
// no ReferenceError; TypeScript finds that where it is plain, and the tests run on Node too, which throws. `this` before
// super() is still looked at.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Each text, how often it is there, and what takes its place. */
const CHANGES = /** @type {const} */ ([
  ["if (s->vars[var_idx].is_lexical)", 3, "if (s->vars[var_idx].is_lexical && var_name == JS_ATOM_this)"],
  ["if (s->closure_var[idx].is_lexical)", 3, "if (s->closure_var[idx].is_lexical && var_name == JS_ATOM_this)"],
  // Of a block that is entered, for each of its variables; at the start of a function they are all undefined.
  [
    "dbuf_putc(&bc_out, OP_set_loc_uninitialized);\n                                dbuf_put_u16(&bc_out, scope_idx);",
    1,
    "",
  ],
]);

/**
 * Writes the engine of the directory `source` anew into `directory`, with the changes; returns the path of the C file.
 * Throws where the source isn't the one that the changes were made for.
 * @param {string} source
 * @param {string} directory
 */
export function patchedEngine(source, directory) {
  let code = readFileSync(join(source, "quickjs.c"), "utf8");
  for (const [text, count, replacement] of CHANGES) {
    const parts = code.split(text);
    if (parts.length !== count + 1)
      throw new Error(`quickjs.c has ${JSON.stringify(text)} ${parts.length - 1} times, not ${count}`);
    code = parts.join(replacement);
  }
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "quickjs.c");
  writeFileSync(`${file}.${process.pid}`, code);
  renameSync(`${file}.${process.pid}`, file); // another build may be reading it
  return file;
}
