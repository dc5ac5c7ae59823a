// The options of an attachment in a few words: `exclude 3, to 192.0.2.1`.

import type { JsonObject, JsonValue } from "../cni/json.ts";
import { isJsonObject } from "../cni/json.ts";

/** Lists of destinations by their length, everything else as it was said. */
export function optionsText(options: JsonObject): string {
  return Object.entries(options)
    .map(([key, value]) => (value === true ? key : `${key} ${valueText(value ?? null)}`))
    .join(", ");
}

function valueText(value: JsonValue): string {
  if (Array.isArray(value)) {
    const names: readonly JsonValue[] = value;
    return names.length <= 2 ? names.map(String).join(" ") : String(names.length);
  }
  if (!isJsonObject(value)) return String(value);
  return Object.entries(value)
    .map(([key, one]) => (one === true ? key : String(one)))
    .join(" ");
}
