// Where a text stops being JSON (RFC 8259). Engines word this differently, or not at all: only what they refuse comes here.

/** What may come next, between two tokens. */
type Expectation = "value" | "value or ]" | "key" | "key or }" | ":" | ", or ]" | ", or }" | "end";

/** What is wrong with a text that may be JSON, but that the engine can't read: words that follow the name of the text. */
export const UNREADABLE = "is JSON that is nested too deeply, or too large, to be read";

/** No configuration of people's is longer; to go through the largest would take the engine ten seconds. */
const SCAN_LIMIT = 1 << 20;

/** What is wrong with a text that JSON.parse refused, and where: words that follow the name of the text. */
export function findJsonError(text: string): string {
  if (/^[ \t\r\n]*$/.test(text)) return "is empty";
  const start = text.slice(0, SCAN_LIMIT);
  const scan = scanJson(start);
  if (scan === "too deep") return UNREADABLE;
  if (start.length < text.length && (scan === undefined || scan.at >= start.length)) {
    return `is not JSON: the fault is beyond its first ${SCAN_LIMIT} characters`;
  }
  if (scan === undefined) return UNREADABLE;
  if (scan.at >= text.length) return `ends too early, after ${text.length} characters: ${scan.problem}`;
  const before = text.slice(0, scan.at);
  const line = before.split("\n").length;
  const column = scan.at - before.lastIndexOf("\n");
  const near = JSON.stringify(text.slice(Math.max(0, scan.at - 20), scan.at + 20));
  return `is not JSON: ${scan.problem} at line ${line}, column ${column}, near ${near}`;
}

interface JsonError {
  readonly at: number;
  readonly problem: string;
}

/** Engines give up at some depth; nobody looks further down for what else may be wrong (Go's limit is the same). */
const DEPTH_LIMIT = 10_000;

/** Goes through the text token by token, without recursion; undefined where nothing is wrong. */
function scanJson(text: string): JsonError | "too deep" | undefined {
  const open: string[] = []; // the brackets we are in
  let expected: Expectation = "value";
  for (let at = 0; ; ) {
    while (at < text.length && " \t\r\n".includes(text.charAt(at))) at++;
    const token = text.charAt(at);
    if (token === "" && expected === "end") return undefined;
    if (token === "" || !isExpected(token, expected)) return { at, problem: `expected ${describe(expected)}` };
    if (token === "{" || token === "[") {
      if (open.push(token) > DEPTH_LIMIT) return "too deep";
      expected = token === "{" ? "key or }" : "value or ]";
      at++;
    } else if (token === "}" || token === "]") {
      open.pop();
      expected = afterValue(open);
      at++;
    } else if (token === ":" || token === ",") {
      expected = token === ":" || open.at(-1) === "[" ? "value" : "key";
      at++;
    } else {
      const end = token === '"' ? endOfString(text, at) : endOfWord(text, at);
      if (typeof end !== "number") return end;
      expected = token === '"' && expected.startsWith("key") ? ":" : afterValue(open);
      at = end;
    }
  }
}

function isExpected(token: string, expected: Expectation): boolean {
  if (expected.startsWith("key")) return token === '"' || (token === "}" && expected === "key or }");
  if (expected.startsWith("value")) return !"}:,".includes(token) && (token !== "]" || expected === "value or ]");
  return expected === token || (expected.startsWith(",") && (token === "," || expected.endsWith(token)));
}

function describe(expected: Expectation): string {
  const names: Partial<Record<Expectation, string>> = {
    value: "a value",
    key: "a key in double quotes",
    "value or ]": 'a value or "]"',
    "key or }": 'a key in double quotes or "}"',
    end: "nothing more",
  };
  return names[expected] ?? `"${expected.replace(" or ", '" or "')}"`;
}

function afterValue(open: readonly string[]): Expectation {
  const bracket = open.at(-1);
  if (bracket === undefined) return "end";
  return bracket === "{" ? ", or }" : ", or ]";
}

/** The position behind a string that begins here. */
function endOfString(text: string, start: number): number | JsonError {
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') return at + 1;
    if (character < " ") return { at, problem: "a control character in a string" };
    if (character !== "\\") continue;
    const escaped = /^\\(["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(at, at + 6));
    if (escaped === null) {
      return at + 6 > text.length ? unterminated(text) : { at, problem: "an unknown escape in a string" };
    }
    at += escaped[0].length - 1;
  }
  return unterminated(text);
}

function unterminated(text: string): JsonError {
  return { at: text.length, problem: "a string has no end" };
}

/** The position behind a number, true, false or null that begins here. */
function endOfWord(text: string, start: number): number | JsonError {
  let end = start;
  while (end < text.length && !' \t\r\n,:[]{}"'.includes(text.charAt(end))) end++;
  const word = text.slice(start, end);
  if (/^(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)$/.test(word)) return end;
  if (end === text.length && /^(t|f|n|-?[0-9]+[.eE+-]*$|-$)/.test(word)) {
    return { at: text.length, problem: `"${word.slice(0, 20)}" is not complete` };
  }
  return { at: start, problem: `${JSON.stringify(word.slice(0, 20))} is no JSON value` };
}
