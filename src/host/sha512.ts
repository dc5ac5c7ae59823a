// SHA-512 (FIPS 180-4), for the names that upstream's plugins derive from it. It is needed only where upstream has left
// something, so it is written to load fast rather than to run fast: the constants are computed when first asked for.

const MASK = (1n << 64n) - 1n;

let constants: { readonly initial: readonly bigint[]; readonly round: readonly bigint[] } | undefined;

/** Fractional bits of the square roots of the first 8 primes and of the cube roots of the first 80 (sections 5.3.5, 4.2.3). */
function makeConstants(): NonNullable<typeof constants> {
  const primes: number[] = [];
  for (let n = 2; primes.length < 80; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
  return {
    initial: primes.slice(0, 8).map((p) => root(BigInt(p) << 128n, 2n, Math.sqrt(p)) & MASK),
    round: primes.map((p) => root(BigInt(p) << 192n, 3n, Math.cbrt(p)) & MASK),
  };
}

/** The largest integer whose power is no more than `value`, by Newton's method from a little above the estimate. */
function root(value: bigint, power: bigint, estimate: number): bigint {
  let found = BigInt(Math.ceil(estimate * 2 ** 64 * (1 + Number.EPSILON * 8)));
  for (;;) {
    const next = ((power - 1n) * found + value / found ** (power - 1n)) / power;
    if (next >= found) return found;
    found = next;
  }
}

const rotate = (x: bigint, n: bigint): bigint => ((x >> n) | (x << (64n - n))) & MASK;

/** The digest in lower-case hexadecimal, 128 digits. */
export function sha512Hex(message: Uint8Array): string {
  constants ??= makeConstants();
  const state = [...constants.initial];
  const padded = new Uint8Array((message.length + 17 + 127) & ~127);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  for (let at = 0; at < padded.length; at += 128) compress(state, view, at, constants.round);
  return hexadecimal(state);
}

/** Not by toString of the words: QuickJS 2025-04-26 puts a 0 before a BigInt whose 64th bit is set. */
function hexadecimal(words: readonly bigint[]): string {
  const view = new DataView(new ArrayBuffer(words.length * 8));
  for (const [i, word] of words.entries()) view.setBigUint64(i * 8, word);
  return Array.from(new Uint8Array(view.buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function compress(state: bigint[], view: DataView, at: number, round: readonly bigint[]): void {
  const w: bigint[] = [];
  const word = (t: number): bigint => w[t] ?? 0n;
  for (let t = 0; t < 80; t++) {
    if (t < 16) {
      w.push(view.getBigUint64(at + t * 8));
      continue;
    }
    const [x, y] = [word(t - 15), word(t - 2)];
    const s0 = rotate(x, 1n) ^ rotate(x, 8n) ^ (x >> 7n);
    const s1 = rotate(y, 19n) ^ rotate(y, 61n) ^ (y >> 6n);
    w.push((word(t - 16) + s0 + word(t - 7) + s1) & MASK);
  }
  let [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n, g = 0n, h = 0n] = state;
  for (let t = 0; t < 80; t++) {
    const s1 = rotate(e, 14n) ^ rotate(e, 18n) ^ rotate(e, 41n);
    const t1 = h + s1 + ((e & f) ^ (~e & MASK & g)) + (round[t] ?? 0n) + word(t);
    const s0 = rotate(a, 28n) ^ rotate(a, 34n) ^ rotate(a, 39n);
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & MASK, c, b, a, (t1 + t2) & MASK];
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => {
    state[i] = ((state[i] ?? 0n) + value) & MASK;
  });
}
