// A key that an object of JSON has twice. JSON.parse takes the last one and says nothing.

/**
 * The first of `keys` that the object under `path` (keys of objects, from the outermost, whatever their case) has twice;
 * undefined where there is none. The text is JSON.
 */
export function repeatedKey(text: string, path: readonly string[], keys: readonly string[]): string | undefined {
  // To go through a text is costly, and most do not have the name twice anywhere.
  const suspects = keys.filter((key) => {
    const name = JSON.stringify(key);
    const first = text.indexOf(name);
    return text.includes("\\") || text.includes(name, first + 1);
  });
  if (suspects.length === 0) return undefined;
  const seen = new Set<string>();
  for (const { key, parents } of keysIn(text)) {
    const isThere = parents.length === path.length && parents.every((one, i) => one.toLowerCase() === path[i]);
    if (isThere && seen.has(key)) return key;
    if (isThere) seen.add(key);
  }
  return undefined;
}

/** All keys in a text of JSON, with the keys of the objects around them; arrays have none. */
function keysIn(text: string): { readonly key: string; readonly parents: readonly string[] }[] {
  const found: { key: string; parents: readonly string[] }[] = [];
  const parents: string[] = [];
  let last = "";
  for (const [token, name] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === "{" || token === "[") parents.push(last);
    else if (token === "}" || token === "]") parents.pop();
    last = name === undefined ? "" : JSON.parse(name);
    if (name !== undefined) found.push({ key: last, parents: parents.slice(1) });
  }
  return found;
}
