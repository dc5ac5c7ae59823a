// Mistakes in QuickJS 2025-04-26 that an input can reach, mended, less of what a function keeps of its source, and nothing in the
// heap that differs from build to build. Debian has no newer release. Each change is a text that the source must have, and the
// text that takes its place. The conformance checks (engine/conformance/language.ts) fail without the mendings, and hold Node to
// the same values. The language itself stays as QuickJS has it.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} Change
 * @property {string} why
 * @property {string} from
 * @property {string} to
 */

/** @type {readonly Change[]} */
export const CHANGES = [
  {
    why: "Names and scopes of variables are for eval alone, which no program of ours has: they were 0.4 MB of the executable. Lines stay.",
    from: "    if (!fd->strip_debug || fd->has_eval_call) {\n        function_size +=",
    to: "    if (fd->has_eval_call) {\n        function_size +=",
  },
  {
    why: "The other half of the same.",
    from: "        if (fd->strip_debug && !fd->has_eval_call) {",
    to: "        if (!fd->has_eval_call) {",
  },
  {
    why: "A BigInt from 2^63 to 2^64 has a zero as its highest limb, and the count of a zero's leading zeros is not defined: its text could overflow a buffer (QuickJS issue 412, CVE-2025-62493).",
    from: `static inline js_limb_t js_limb_clz(js_limb_t a)
{
    return clz64(a);`,
    to: `static inline js_limb_t js_limb_clz(js_limb_t a)
{
    if (a == 0) return JS_LIMB_BITS;
    return clz64(a);`,
  },
  {
    why: "The text of a BigInt to the base 8 or 32 was read from a limb beyond the highest.",
    from: "(r->tab[pos + 1] << (JS_LIMB_BITS - shift));",
    to: "(pos + 1 < r->len ? r->tab[pos + 1] << (JS_LIMB_BITS - shift) : 0);",
  },
  {
    why: "`text += object` used the text's memory although the object's conversion had assigned another value to the variable (CVE-2025-62494).",
    from: "} else if (JS_VALUE_GET_TAG(*pv) == JS_TAG_STRING) {\n                    sp--;",
    to: "} else if (JS_VALUE_GET_TAG(*pv) == JS_TAG_STRING && JS_VALUE_GET_TAG(op2) == JS_TAG_STRING) {\n                    sp--;",
  },
  {
    why: "lastIndexOf() of a typed array read behind its end where the second argument was between -1 and 0 (CVE-2025-62492).",
    from: `            if (isnan(d)) {
                k = 0;
            } else {
                if (d >= 0) {
                    if (d < k) {`,
    to: `            d = trunc(d);
            if (isnan(d)) {
                k = 0;
            } else {
                if (d >= 0) {
                    if (d < k) {`,
  },
  {
    why: "JSON.parse took escapes that JSON has not, and JSON.parse sets no current function.",
    from: `            /* XXX: need a specific JSON case to avoid
               accepting invalid escapes */`,
    to: `            if (!s->cur_func && p < s->buf_end &&
                (c == '\\0' || !strchr("\\"\\\\/bfnrtu", c) || (c == 'u' && p[1] == '{')))
                goto invalid_escape;`,
  },
  {
    why: "JSON.parse took -01.",
    from: `    case '-':
        if (!is_digit(p[1]))
            goto def_token;`,
    to: `    case '-':
        if (!is_digit(p[1]) || (p[1] == '0' && is_digit(p[2])))
            goto def_token;`,
  },
  {
    why: "JSON.parse took a number with a point and no digit behind it, 1. or 1.e5.",
    from: `            s->token.val = TOK_NUMBER;
            s->token.u.num.val = ret;
        }
        break;
    default:
        if (c >= 128) {
            js_parse_error(s, "unexpected character");`,
    to: `            const uint8_t *point = memchr(s->token.ptr, '.', p - s->token.ptr);
            if (point && !is_digit(point[1])) {
                JS_FreeValue(s->ctx, ret);
                js_parse_error_pos(s, point, "a digit must follow the decimal point");
                goto fail;
            }
            s->token.val = TOK_NUMBER;
            s->token.u.num.val = ret;
        }
        break;
    default:
        if (c >= 128) {
            js_parse_error(s, "unexpected character");`,
  },
  {
    why: "Where memory ran out at the end of a text, the parser went on with a text that was none.",
    from: `    token->u.str.str = string_buffer_end(b);
    *pp = p;
    return 0;`,
    to: `    token->u.str.str = string_buffer_end(b);
    if (JS_IsException(token->u.str.str)) {
        token->val = TOK_ERROR;
        return -1;
    }
    *pp = p;
    return 0;`,
  },
  {
    why: "The time of the build was in the heap that is made ready, as the seed of Math.random, which the build refuses (absent.mjs).",
    from: "    ctx->random_state = ((int64_t)tv.tv_sec * 1000000) + tv.tv_usec;",
    to: "    ctx->random_state = 1;",
  },
  {
    why: "The build's stack was in that heap, at another address each time. engine/quickjs.c tells the engine its stack once a process has begun.",
    from: "    rt->stack_size = JS_DEFAULT_STACK_SIZE;\n    JS_UpdateStackTop(rt);",
    to: "",
  },
];

/** What engine/functions.c relies on: the text that JS_ToCString gives out is a copy, unless the text is ASCII. */
export const RELIED_ON = `            count += src[pos] >> 7;
        }
        if (count == 0) {
            if (plen)
                *plen = len;
            return (const char *)src;
        }
        str_new = js_alloc_string(ctx, len + count, 0);`;

/**
 * Writes the engine of the directory `source` anew into `directory`, with the changes; returns the path of the C file.
 * Throws where the source is not the one that the changes were made for.
 * @param {string} source
 * @param {string} directory
 */
export function patchedEngine(source, directory) {
  let code = readFileSync(join(source, "quickjs.c"), "utf8");
  const relied = { why: "engine/functions.c relies on it", from: RELIED_ON, to: RELIED_ON };
  for (const { why, from, to } of [relied, ...CHANGES]) {
    const parts = code.split(from);
    if (parts.length !== 2) {
      throw new Error(`quickjs.c has a text ${parts.length - 1} times, not once (${why}): ${from}`);
    }
    code = parts.join(to);
  }
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "quickjs.c");
  writeFileSync(`${file}.${process.pid}`, code);
  renameSync(`${file}.${process.pid}`, file); // another build may be reading it
  return file;
}
