// The syntax of regular expressions that RE2 and Go's regexp package take (https://github.com/google/re2/wiki/Syntax), read
// into a tree. The engine's own expressions differ in what they mean (`(?i)`, `\z`, `[[:alpha:]]`), and some take exponential time.

import {
  anyOf,
  type CharacterTest,
  CONTROL_ESCAPES,
  casesOf,
  codeOf,
  isAtEnd,
  isAtLineEnd,
  isAtLineStart,
  isAtStart,
  isDigit,
  isLetter,
  isNoNewline,
  not,
  PERL_CLASSES,
  PLACE_ESCAPES,
  type PlaceTest,
  POSIX_CLASSES,
} from "./re2-characters.ts";

/** What an expression is made of. */
export type Expression =
  | { readonly kind: "character"; readonly is: CharacterTest }
  | { readonly kind: "place"; readonly is: PlaceTest }
  | { readonly kind: "sequence"; readonly parts: readonly Expression[] }
  | { readonly kind: "choice"; readonly branches: readonly Expression[] }
  /** `most` may be Infinity. */
  | { readonly kind: "repeat"; readonly inner: Expression; readonly least: number; readonly most: number };

/** The text is no expression that is understood here. `at` counts its characters, from 1. */
export class ExpressionError extends Error {
  override readonly name: string = "ExpressionError";

  constructor(problem: string, at: number) {
    super(`character ${at}: ${problem}`);
  }
}

/** Reads an expression. Throws ExpressionError, which does not quote the text. */
export function parseExpression(text: string): Expression {
  return new Parser(text).parse();
}

const DEPTH_LIMIT = 200;
/** As RE2 and Go have it. */
const REPEAT_LIMIT = 1000;

/** `(?i)` whatever the case, `(?m)` lines, `(?s)` `.` takes a newline. `(?U)` has no say in whether something matches. */
type Flags = ReadonlySet<string>;

class Parser {
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;
  #flags: Flags = new Set();

  constructor(text: string) {
    this.#characters = Array.from(text);
  }

  parse(): Expression {
    const expression = this.#choice();
    if (this.#at < this.#characters.length) throw this.#error("a ) without its (");
    return expression;
  }

  /** `a|b|c`, to the end of the group. Flags that it sets hold to there. */
  #choice(): Expression {
    const flags = this.#flags;
    if (++this.#depth > DEPTH_LIMIT) throw this.#error("groups in groups, too deep");
    const branches = [this.#sequence()];
    while (this.#takes("|")) branches.push(this.#sequence());
    this.#depth--;
    this.#flags = flags;
    const [only] = branches;
    return only !== undefined && branches.length === 1 ? only : { kind: "choice", branches };
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    for (let next = this.#peek(); next !== undefined && next !== "|" && next !== ")"; next = this.#peek()) {
      const atoms = this.#atoms();
      const last = atoms.pop();
      parts.push(...atoms);
      if (last !== undefined) parts.push(this.#repeated(last));
    }
    return { kind: "sequence", parts };
  }

  #repeated(inner: Expression): Expression {
    const count = this.#count();
    if (count === undefined) return inner;
    this.#takes("?"); // fewest first, or most first: both find the same texts
    if (this.#count() !== undefined) throw this.#error("a repetition of a repetition");
    return { kind: "repeat", inner, ...count };
  }

  /** `*`, `+`, `?`, `{2}`, `{2,}` or `{2,3}`; undefined, and nothing is read, where there is none of these. */
  #count(): { readonly least: number; readonly most: number } | undefined {
    if (this.#takes("*")) return { least: 0, most: Number.POSITIVE_INFINITY };
    if (this.#takes("+")) return { least: 1, most: Number.POSITIVE_INFINITY };
    if (this.#takes("?")) return { least: 0, most: 1 };
    const rest = this.#characters.slice(this.#at, this.#at + 12).join("");
    const [whole, from = "", comma = "", to = ""] = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(rest) ?? [];
    if (whole === undefined || (comma === "" && to !== "")) return undefined;
    const least = Number(from);
    const most = comma === "" ? least : to === "" ? Number.POSITIVE_INFINITY : Number(to);
    if (Math.max(least, to === "" ? 0 : most) > REPEAT_LIMIT || least > most) throw this.#error("an invalid count");
    this.#at += whole.length;
    return { least, most };
  }

  /** What the next characters stand for: mostly one expression; several for `\Q…\E`, none for `(?i)`. */
  #atoms(): Expression[] {
    const character = this.#take();
    if (character === "(") return this.#group();
    if (character === "[") return [this.#set()];
    if (character === "\\") return this.#escaped();
    if (character === "^") return [place(this.#flags.has("m") ? isAtLineStart : isAtStart)];
    if (character === "$") return [place(this.#flags.has("m") ? isAtLineEnd : isAtEnd)];
    if (character === ".") return [{ kind: "character", is: this.#flags.has("s") ? () => true : isNoNewline }];
    this.#at--;
    if (this.#count() !== undefined) throw this.#error("a repetition of nothing");
    this.#at++;
    return [this.#literal(character)];
  }

  #literal(character: string): Expression {
    const code = codeOf(character);
    return { kind: "character", is: this.#inAnyCase((given) => given === code) };
  }

  /** Letters count in either case where the flag says so. */
  #inAnyCase(test: CharacterTest): CharacterTest {
    return this.#flags.has("i") ? (code) => casesOf(code).some(test) : test;
  }

  #group(): Expression[] {
    if (!this.#takes("?")) return [this.#closed()];
    if (this.#takes("=") || this.#takes("!")) throw this.#error("a look-ahead, which RE2 does not have");
    const isNamed = this.#takes("P") || this.#peek() === "<";
    if (isNamed) return [this.#named()];
    const flags = new Set(this.#flags);
    let isOn = true;
    for (let next = this.#take(); ; next = this.#take()) {
      if (next === "-" && isOn) isOn = false;
      else if ("imsU".includes(next)) isOn ? flags.add(next) : flags.delete(next);
      else if (next === ")") {
        this.#flags = flags;
        return [];
      } else if (next === ":") {
        const outside = this.#flags;
        this.#flags = flags;
        const inner = this.#closed();
        this.#flags = outside;
        return [inner];
      } else throw this.#error("an unknown kind of group");
    }
  }

  /** `(?P<name>…)` or `(?<name>…)`, behind the P. */
  #named(): Expression {
    if (!this.#takes("<")) throw this.#error("an unknown kind of group");
    if (this.#peek() === "=" || this.#peek() === "!") throw this.#error("a look-behind, which RE2 does not have");
    let name = "";
    for (let next = this.#take(); next !== ">"; next = this.#take()) name += next;
    if (!/^[\w\p{L}\p{N}]+$/u.test(name)) throw this.#error("an invalid name of a group");
    return this.#closed();
  }

  #closed(): Expression {
    const inner = this.#choice();
    if (!this.#takes(")")) throw this.#error("a ( without its )");
    return inner;
  }

  #escaped(): Expression[] {
    const character = this.#take();
    const isPlace = PLACE_ESCAPES.get(character);
    if (isPlace !== undefined) return [place(isPlace)];
    const isOfClass = this.#perlClass(character);
    if (isOfClass !== undefined) return [{ kind: "character", is: isOfClass }];
    if (character === "Q") return this.#quoted();
    return [this.#literal(String.fromCodePoint(this.#escapedCode(character)))];
  }

  #quoted(): Expression[] {
    const parts: Expression[] = [];
    while (this.#peek() !== undefined) {
      if (this.#takes("\\")) {
        if (this.#takes("E")) break;
        parts.push(this.#literal("\\"));
      } else parts.push(this.#literal(this.#take()));
    }
    return parts;
  }

  #perlClass(character: string): CharacterTest | undefined {
    if (character === "p" || character === "P") throw this.#error("a class of Unicode, which is not understood here");
    if (character === "C") throw this.#error("a class of single bytes, which is not understood here");
    const test = PERL_CLASSES.get(character.toLowerCase());
    return test === undefined || PERL_CLASSES.has(character) ? test : not(test);
  }

  /** The character that an escape with this letter stands for. */
  #escapedCode(character: string): number {
    const control = CONTROL_ESCAPES.get(character);
    if (control !== undefined) return control;
    if (character === "x") return this.#hexadecimal();
    const isOctal = /^[0-7]$/.test(character);
    if (isOctal && (character === "0" || /^[0-7]$/.test(this.#peek() ?? ""))) return this.#octal(character);
    const code = codeOf(character);
    if (code < 128 && !isLetter(code) && !isDigit(code)) return code;
    throw this.#error(isDigit(code) ? "a back-reference, which RE2 does not have" : "an unknown escape");
  }

  #octal(first: string): number {
    let digits = first;
    while (digits.length < 3 && /^[0-7]$/.test(this.#peek() ?? "")) digits += this.#take();
    return Number.parseInt(digits, 8);
  }

  #hexadecimal(): number {
    let digits = this.#take();
    if (digits === "{") {
      digits = "";
      for (let next = this.#take(); next !== "}"; next = this.#take()) digits += next;
    } else digits += this.#take();
    const code = /^[0-9a-fA-F]{1,8}$/.test(digits) ? Number.parseInt(digits, 16) : Number.POSITIVE_INFINITY;
    if (code > 0x10ffff) throw this.#error("an invalid character number");
    return code;
  }

  /** `[a-z]`, behind the bracket. */
  #set(): Expression {
    const isNegated = this.#takes("^");
    const tests: CharacterTest[] = [];
    do tests.push(this.#item());
    while (!this.#takes("]"));
    const test = this.#inAnyCase(anyOf(...tests));
    return { kind: "character", is: isNegated ? not(test) : test };
  }

  #item(): CharacterTest {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.#characters.slice(this.#at, this.#at + 12).join(""));
    if (posix !== null) {
      const [whole, negation = "", name = ""] = posix;
      const test = POSIX_CLASSES.get(name);
      if (test === undefined) throw this.#error("an unknown class of characters");
      this.#at += whole.length;
      return negation === "" ? test : not(test);
    }
    const first = this.#take();
    if (first === "\\") {
      const isOfClass = this.#perlClass(this.#peek() ?? "");
      if (isOfClass !== undefined) {
        this.#at++;
        return isOfClass;
      }
    }
    const from = this.#code(first);
    const isRange = this.#peek() === "-" && (this.#characters[this.#at + 1] ?? "]") !== "]";
    if (!isRange) return (code) => code === from;
    this.#at++;
    const to = this.#code(this.#take());
    if (to < from) throw this.#error("a range that ends before its beginning");
    return (code) => code >= from && code <= to;
  }

  #code(character: string): number {
    return character === "\\" ? this.#escapedCode(this.#take()) : codeOf(character);
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(): string {
    const character = this.#peek();
    if (character === undefined) throw this.#error("the end, where more must come");
    this.#at++;
    return character;
  }

  #takes(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #error(problem: string): ExpressionError {
    return new ExpressionError(problem, Math.max(1, this.#at));
  }
}

function place(is: PlaceTest): Expression {
  return { kind: "place", is };
}
