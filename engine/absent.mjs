// What ECMAScript has and this engine leaves out, because setting it up would cost every plugin's start (quickjs.c,
// new_context). TypeScript and Node know it all, so the build looks for it.

const PATTERNS = {
  Date: /\bDate\b(?=[.(])/,
  Promise: /\bPromise\b(?=[.(])/,
  "async functions": /\basync\s*(?:function\b|\()|\bawait\b/,
  Proxy: /\bnew Proxy\b/,
  "WeakRef and FinalizationRegistry": /\bnew (?:WeakRef|FinalizationRegistry)\b/,
  "Atomics and SharedArrayBuffer": /\bAtomics\.|\bnew SharedArrayBuffer\b/,
  "eval and new Function": /\beval\(|\bnew Function\b/,
  "String.prototype.localeCompare": /\.localeCompare\(/,
  "String.prototype.normalize": /\.normalize\(/,
  Intl: /\bIntl\./,
  "host objects of other platforms": /\b(?:console|process)\.|\bnew (?:TextEncoder|TextDecoder|URL|Buffer)\b/,
};

/**
 * The names of what the bundle uses and the engine hasn't got. Text is searched, strings included: better an alarm too
 * many in the build than a TypeError on a node.
 * @param {string} code
 * @returns {string[]}
 */
export function absentFeatures(code) {
  return Object.entries(PATTERNS).flatMap(([name, pattern]) => (pattern.test(code) ? [name] : []));
}
