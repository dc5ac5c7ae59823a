// Where the values of a text of JSON stand, for those who tell people about them. Plugins do not need this file: a runtime has no
// file to point at.

import { pathOf } from "./schema.ts";

/** A place in a text; both count from 1, columns in characters. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A key that an object has twice, whatever its case. */
export interface RepeatedKey {
  /** The path of the key, as errors of schemas have it. */
  readonly path: string;
  /** Where it stands for the second time. */
  readonly position: Position;
}

/** The values of one text. */
export class JsonPositions {
  readonly #text: string;
  /** Where values begin, by their paths in small letters. */
  readonly #offsets: ReadonlyMap<string, number>;
  readonly #repeated: readonly { readonly path: string; readonly offset: number }[];

  /** The text is JSON. */
  constructor(text: string) {
    const { offsets, repeated } = scan(text);
    this.#text = text;
    this.#offsets = offsets;
    this.#repeated = repeated;
  }

  /** Where the value of the path stands, or the innermost around it that is there: a key that is missing has no place. */
  of(path: string): Position {
    for (let at = path.toLowerCase(); at !== ""; at = outer(at)) {
      const offset = this.#offsets.get(at);
      if (offset !== undefined) return this.#positionAt(offset);
    }
    return this.#positionAt(this.#offsets.get("") ?? 0);
  }

  /** Whether there is a value of this path. */
  has(path: string): boolean {
    return this.#offsets.has(path.toLowerCase());
  }

  /** Keys that stand twice in one object, of which readers take the last. */
  get repeatedKeys(): RepeatedKey[] {
    return this.#repeated.map(({ path, offset }) => ({ path, position: this.#positionAt(offset) }));
  }

  #positionAt(offset: number): Position {
    const before = this.#text.slice(0, offset);
    const start = before.lastIndexOf("\n") + 1;
    return { line: before.split("\n").length, column: [...before.slice(start)].length + 1 };
  }
}

/** The path that a message of a schema begins with: `plugins[0].ipam.ranges[0][0].subnet is missing`. */
export function pathIn(message: string): string {
  return /^(?:\.?[\w-]+|\[\d+\]|\["(?:[^"\\]|\\.)*"\])+/.exec(message)?.[0] ?? "";
}

/** Without the last step of the path. */
function outer(path: string): string {
  return path.replace(/(?:\.?[\w-]+|\[\d+\]|\["(?:[^"\\]|\\.)*"\])$/, "");
}

/** An object or an array that has begun and not ended. */
interface Open {
  readonly path: string;
  /** The index of the next element; undefined in an object. */
  index: number | undefined;
  /** The path of the key whose value comes next. */
  key: string;
  readonly keys: Set<string>;
}

function scan(text: string): { offsets: Map<string, number>; repeated: { path: string; offset: number }[] } {
  const offsets = new Map<string, number>();
  const repeated: { path: string; offset: number }[] = [];
  const open: Open[] = [];
  for (const { 0: token, 1: name, index: offset } of text.matchAll(TOKEN)) {
    const around = open.at(-1);
    if (token === "}" || token === "]") {
      open.pop();
    } else if (name !== undefined && around !== undefined) {
      around.key = pathOf(around.path, String(JSON.parse(name)));
      const key = around.key.toLowerCase();
      if (around.keys.has(key)) repeated.push({ path: around.key, offset });
      around.keys.add(key);
    } else {
      const path =
        around === undefined ? "" : around.index === undefined ? around.key : `${around.path}[${around.index++}]`;
      offsets.set(path.toLowerCase(), offset);
      if (token === "{" || token === "[")
        open.push({ path, index: token === "[" ? 0 : undefined, key: "", keys: new Set() });
    }
  }
  return { offsets, repeated };
}

/** A key with its colon, another string, a bracket, or a number or word. */
const TOKEN = /("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]|[^\s{}[\],:"]+/g;
