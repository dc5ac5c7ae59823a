// The operator's list of kernel parameters that may be set, by the operator and by tenants alike: regular expressions, one a line,
// as upstream's plugin has them.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { O, readAll, withOpen } from "../sys/fd.ts";
import { statOpen } from "../sys/file.ts";
import { compileExpression } from "./re2.ts";
import { ExpressionError } from "./re2-syntax.ts";
import type { Sysctl } from "./sysctl-keys.ts";

const PATH = "/etc/cni/tuning/allowlist.conf";

const FILE_LIMIT = 1 << 20;

/** The expressions as they are written; undefined where there is no list, and everything may be set. Throws CniError. */
export function readAllowList(): AllowList | undefined {
  try {
    // Without O_NONBLOCK open(2) of a FIFO would wait for a writer.
    return withOpen(PATH, O.RDONLY | O.NONBLOCK, (fd) => {
      if (!statOpen(fd, PATH).isRegular) throw unusable("is not a regular file");
      return new AllowList(engine.decode(readAll(fd, PATH, FILE_LIMIT)).split("\n"));
    });
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    if (error instanceof RangeError) throw unusable(`is larger than ${FILE_LIMIT} bytes`);
    throw error;
  }
}

export class AllowList {
  readonly #lines: readonly string[];
  readonly #compiled = new Map<number, (text: string) => boolean>();

  constructor(lines: readonly string[]) {
    this.#lines = lines.map((line) => line.trim());
  }

  /** Throws CniError 7 for a parameter that no line has. The list itself is not told. */
  require(sysctls: readonly Sysctl[]): void {
    for (const { at, key } of sysctls) {
      if (this.#has(key)) continue;
      const remedy = `an administrator adds a line with a regular expression that ${key} matches`;
      throw new CniError(CNI_CODE.INVALID_CONFIG, `${at} is not allowed: no line of ${PATH} has it`, remedy);
    }
  }

  /** Lists are written for keys with dots, and a key with slashes means the same parameter. */
  #has(key: string): boolean {
    const spellings = new Set([key, key.replaceAll("/", ".")]);
    return this.#lines.some((line, i) => {
      if (line === "") return false;
      const isFound = this.#compiled.get(i) ?? compileLine(line, i + 1);
      this.#compiled.set(i, isFound);
      return [...spellings].some(isFound);
    });
  }
}

function compileLine(line: string, number: number): (text: string) => boolean {
  try {
    return compileExpression(line);
  } catch (error) {
    if (error instanceof ExpressionError)
      throw unusable(`line ${number} is no regular expression of RE2: ${error.message}`);
    throw error;
  }
}

function unusable(problem: string): CniError {
  return new CniError(
    CNI_CODE.INVALID_CONFIG,
    `${PATH} ${problem}`,
    "an administrator corrects the file, or removes it",
  );
}
