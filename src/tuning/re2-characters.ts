// Sets of characters and places between characters, as regular expressions of RE2 name them. Characters are code points;
// classes that have a name are in ASCII.

export type CharacterTest = (code: number) => boolean;
/** The characters before and after the place, which are undefined at the ends of the text. */
export type PlaceTest = (before: number | undefined, after: number | undefined) => boolean;

export const NEWLINE = 10;

const isBetween =
  (first: string, last: string): CharacterTest =>
  (code) =>
    code >= first.charCodeAt(0) && code <= last.charCodeAt(0);
const isOneOf =
  (characters: string): CharacterTest =>
  (code) =>
    code < 128 && characters.includes(String.fromCharCode(code));
export const anyOf =
  (...tests: readonly CharacterTest[]): CharacterTest =>
  (code) =>
    tests.some((test) => test(code));
export const not =
  (test: CharacterTest): CharacterTest =>
  (code) =>
    !test(code);

export const isDigit = isBetween("0", "9");
const isLower = isBetween("a", "z");
const isUpper = isBetween("A", "Z");
export const isLetter = anyOf(isLower, isUpper);
const isWord = anyOf(isLetter, isDigit, isOneOf("_"));
const isGraphic = isBetween("!", "~");

/** `\d` and the like. */
export const PERL_CLASSES: ReadonlyMap<string, CharacterTest> = new Map([
  ["d", isDigit],
  ["s", isOneOf("\t\n\f\r ")],
  ["w", isWord],
]);

/** `[:alpha:]` and the like. */
export const POSIX_CLASSES: ReadonlyMap<string, CharacterTest> = new Map([
  ["alnum", anyOf(isLetter, isDigit)],
  ["alpha", isLetter],
  ["ascii", (code) => code < 128],
  ["blank", isOneOf("\t ")],
  ["cntrl", (code) => code < 32 || code === 127],
  ["digit", isDigit],
  ["graph", isGraphic],
  ["lower", isLower],
  ["print", anyOf(isGraphic, isOneOf(" "))],
  ["punct", (code) => isGraphic(code) && !isLetter(code) && !isDigit(code)],
  ["space", isOneOf("\t\n\v\f\r ")],
  ["upper", isUpper],
  ["word", isWord],
  ["xdigit", anyOf(isDigit, isBetween("a", "f"), isBetween("A", "F"))],
]);

/** Characters that an escape stands for. */
export const CONTROL_ESCAPES: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["f", 12],
  ["n", NEWLINE],
  ["r", 13],
  ["t", 9],
  ["v", 11],
]);

const isAtWordBoundary: PlaceTest = (before, after) =>
  (before !== undefined && isWord(before)) !== (after !== undefined && isWord(after));
export const isAtStart: PlaceTest = (before) => before === undefined;
export const isAtEnd: PlaceTest = (_, after) => after === undefined;

/** Places that an escape stands for. */
export const PLACE_ESCAPES: ReadonlyMap<string, PlaceTest> = new Map([
  ["A", isAtStart],
  ["z", isAtEnd],
  ["b", isAtWordBoundary],
  ["B", (before, after) => !isAtWordBoundary(before, after)],
]);

export const isNoNewline: CharacterTest = (code) => code !== NEWLINE;
export const isAtLineStart: PlaceTest = (before) => before === undefined || before === NEWLINE;
export const isAtLineEnd: PlaceTest = (_, after) => after === undefined || after === NEWLINE;

export function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

/** The character and what it is in the other case. */
export function casesOf(code: number): readonly number[] {
  const character = String.fromCodePoint(code);
  const cases = [character, character.toLowerCase(), character.toUpperCase(), character.toUpperCase().toLowerCase()];
  return cases.filter((one) => Array.from(one).length === 1).map(codeOf);
}
