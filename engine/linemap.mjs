// From esbuild's source map to the line map of linemap.c: for each line of a bundle the TypeScript file and line.

import { decode } from "@jridgewell/sourcemap-codec";

const JUMP = 255;

/**
 * Where each line of the bundle begins in the sources, `undefined` for lines that the bundler made up.
 * @param {string} mappings
 * @returns {({ source: number, line: number } | undefined)[]} Lines count from 1.
 */
export function lineStarts(mappings) {
  return decode(mappings).map((segments) => {
    const [, source, line] = segments.find((segment) => segment.length > 1) ?? [];
    return source === undefined || line === undefined ? undefined : { source, line: line + 1 };
  });
}

/**
 * The bytes that linemap.c reads. A line that the bundler made up counts as the one before it.
 * @param {string} mappings
 * @returns {number[]}
 */
export function encodeLineMap(mappings) {
  const bytes = [];
  let at = { source: 0, line: 0 };
  for (const start of lineStarts(mappings)) {
    const next = start ?? at;
    const step = next.line - at.line;
    if (next.source === at.source && step >= 0 && step < JUMP) bytes.push(step);
    else bytes.push(JUMP, next.source & 255, next.source >> 8, next.line & 255, next.line >> 8);
    at = next;
  }
  return bytes;
}
