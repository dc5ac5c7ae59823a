// From esbuild's source map to the line map of linemap.c: for each line of a bundle the TypeScript file and line.

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const JUMP = 255;

/**
 * The fields of one segment of a source map's `mappings` (ECMA-426, "Mappings structure"): numbers in base 64, least
 * significant digit first, five bits a digit, the sign in the lowest bit.
 * @param {string} segment
 * @returns {number[]}
 */
export function decodeSegment(segment) {
  const fields = [];
  let value = 0;
  let shift = 0;
  for (const character of segment) {
    const digit = BASE64.indexOf(character);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    fields.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return fields;
}

/**
 * Where each line of the bundle begins in the sources, `undefined` for lines that the bundler made up.
 * @param {string} mappings
 * @returns {({ source: number, line: number } | undefined)[]} Lines count from 1.
 */
export function lineStarts(mappings) {
  let source = 0;
  let line = 1;
  return mappings.split(";").map((segments) => {
    /** @type {{ source: number, line: number } | undefined} */
    let start;
    for (const segment of segments === "" ? [] : segments.split(",")) {
      const [, sourceStep, lineStep] = decodeSegment(segment);
      if (sourceStep === undefined || lineStep === undefined) continue;
      source += sourceStep;
      line += lineStep;
      start ??= { source, line };
    }
    return start;
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
