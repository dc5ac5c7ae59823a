// Lists in sentences.

/** So many are told by name. */
const TOLD = 4;

/** `a, b and c`; of many the first ones. */
export function formatList(items: readonly string[]): string {
  if (items.length <= 1) return items[0] ?? "";
  if (items.length > TOLD) return `${items.slice(0, TOLD).join(", ")} and ${items.length - TOLD} more`;
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** `87 %` of a part in a whole. */
export function percentOf(part: number, whole: number): string {
  return `${Math.floor((part / whole) * 100)} %`;
}
