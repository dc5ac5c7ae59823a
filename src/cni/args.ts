// CNI_ARGS: `KEY=value;KEY=value`, as the reference implementation's types.LoadArgs reads it.

import { CNI_CODE, CniError } from "./error.ts";
import { excerpt } from "./json.ts";

/**
 * The values of the keys that a plugin knows. A key that it doesn't know is an error unless the text says
 * `IgnoreUnknown=1` (or `true`) somewhere. Throws CniError 4.
 */
export function parseArgs<K extends string>(
  text: string,
  known: readonly K[],
): { readonly [key in K]?: string | undefined } {
  const values: { [key in K]?: string } = {};
  if (text === "") return values;
  const unknown: string[] = [];
  let ignoreUnknown = false;
  for (const pair of text.split(";")) {
    const [key, value, ...rest] = pair.split("=");
    if (key === undefined || value === undefined || rest.length > 0) {
      throw invalid(`${excerpt(pair)} is not of the form KEY=value`);
    }
    const name = known.find((one) => one === key);
    if (name !== undefined) values[name] = value;
    else if (key === "IgnoreUnknown") ignoreUnknown = booleanOf(value);
    else unknown.push(key);
  }
  if (unknown.length > 0 && !ignoreUnknown) {
    const here = known.length === 0 ? "none" : known.join(", ");
    throw invalid(
      `this plugin does not know ${unknown.join(", ")}`,
      `it knows ${here}; IgnoreUnknown=1 makes it pass over others`,
    );
  }
  return values;
}

function booleanOf(value: string): boolean {
  if (/^(1|true)$/i.test(value)) return true;
  if (/^(0|false)$/i.test(value)) return false;
  throw invalid(`IgnoreUnknown is ${excerpt(value)}, which is neither true nor false`);
}

function invalid(problem: string, details?: string): CniError {
  return new CniError(CNI_CODE.INVALID_ENVIRONMENT, `CNI_ARGS: ${problem}`, details);
}
