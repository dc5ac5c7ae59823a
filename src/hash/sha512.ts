// SHA-512 (FIPS 180-4), for the names that upstream's plugins derive from it. A word of 64 bits is two of 32, the high one
// first: interpreters are quick with those, and slow with BigInt.

const ROUNDS = 80;
const BLOCK = 128;

/** The square roots of the first 8 primes and the cube roots of the first 80: 64 bits of their fractions (sections 5.3.5, 4.2.3). */
const { INITIAL, CONSTANTS } = makeConstants();

function makeConstants(): { readonly INITIAL: Int32Array; readonly CONSTANTS: Int32Array } {
  const primes: number[] = [];
  for (let n = 2; primes.length < ROUNDS; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
  return {
    INITIAL: halvesOf(primes.slice(0, 8).map((p) => root(BigInt(p) << 128n, 2n, Math.sqrt(p)))),
    CONSTANTS: halvesOf(primes.map((p) => root(BigInt(p) << 192n, 3n, Math.cbrt(p)))),
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

function halvesOf(words: readonly bigint[]): Int32Array {
  return Int32Array.from(words.flatMap((word) => [word >> 32n, word].map((half) => Number(BigInt.asIntN(32, half)))));
}

/** The digest in lower-case hexadecimal, 128 digits. */
export function sha512Hex(message: Uint8Array): string {
  const padded = new Uint8Array((message.length + 17 + BLOCK - 1) & -BLOCK);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, message.length * 8);
  const state = Int32Array.from(INITIAL);
  for (let at = 0; at < padded.length; at += BLOCK) compress(state, schedule(view, at));
  return Array.from(state, (half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

const CARRY = 2 ** 32;

/** The words that the rounds take (section 6.4.2, step 1). */
function schedule(view: DataView, at: number): Int32Array {
  const w = new Int32Array(2 * ROUNDS);
  for (let i = 0; i < 32; i++) w[i] = view.getInt32(at + 4 * i);
  for (let i = 32; i < w.length; i += 2) {
    const xh = w[i - 30] ?? 0;
    const xl = w[i - 29] ?? 0;
    const yh = w[i - 4] ?? 0;
    const yl = w[i - 3] ?? 0;
    const s0h = ((xh >>> 1) | (xl << 31)) ^ ((xh >>> 8) | (xl << 24)) ^ (xh >>> 7);
    const s0l = ((xl >>> 1) | (xh << 31)) ^ ((xl >>> 8) | (xh << 24)) ^ ((xl >>> 7) | (xh << 25));
    const s1h = ((yh >>> 19) | (yl << 13)) ^ ((yl >>> 29) | (yh << 3)) ^ (yh >>> 6);
    const s1l = ((yl >>> 19) | (yh << 13)) ^ ((yh >>> 29) | (yl << 3)) ^ ((yl >>> 6) | (yh << 26));
    const low = ((w[i - 31] ?? 0) >>> 0) + (s0l >>> 0) + ((w[i - 13] ?? 0) >>> 0) + (s1l >>> 0);
    w[i] = (w[i - 32] ?? 0) + s0h + (w[i - 14] ?? 0) + s1h + ((low / CARRY) | 0);
    w[i + 1] = low;
  }
  return w;
}

/** Steps 2 to 4: the rounds, and their outcome added to the state. Assignments one by one: arrays would cost the most. */
function compress(state: Int32Array, w: Int32Array): void {
  let [ah = 0, al = 0, bh = 0, bl = 0, ch = 0, cl = 0, dh = 0, dl = 0] = state;
  let [eh = 0, el = 0, fh = 0, fl = 0, gh = 0, gl = 0, hh = 0, hl = 0] = state.subarray(8);
  for (let i = 0; i < w.length; i += 2) {
    const s1h = ((eh >>> 14) | (el << 18)) ^ ((eh >>> 18) | (el << 14)) ^ ((el >>> 9) | (eh << 23));
    const s1l = ((el >>> 14) | (eh << 18)) ^ ((el >>> 18) | (eh << 14)) ^ ((eh >>> 9) | (el << 23));
    const kwl = ((CONSTANTS[i + 1] ?? 0) >>> 0) + ((w[i + 1] ?? 0) >>> 0);
    const t1l = (hl >>> 0) + (s1l >>> 0) + (((el & fl) ^ (~el & gl)) >>> 0) + kwl;
    const t1h = hh + s1h + ((eh & fh) ^ (~eh & gh)) + (CONSTANTS[i] ?? 0) + (w[i] ?? 0) + ((t1l / CARRY) | 0);
    const s0h = ((ah >>> 28) | (al << 4)) ^ ((al >>> 2) | (ah << 30)) ^ ((al >>> 7) | (ah << 25));
    const s0l = ((al >>> 28) | (ah << 4)) ^ ((ah >>> 2) | (al << 30)) ^ ((ah >>> 7) | (al << 25));
    const t2l = (t1l >>> 0) + (s0l >>> 0) + (((al & bl) ^ (al & cl) ^ (bl & cl)) >>> 0);
    const t2h = t1h + s0h + ((ah & bh) ^ (ah & ch) ^ (bh & ch)) + ((t2l / CARRY) | 0);
    const low = (dl >>> 0) + (t1l >>> 0);
    hh = gh;
    hl = gl;
    gh = fh;
    gl = fl;
    fh = eh;
    fl = el;
    eh = (dh + t1h + ((low / CARRY) | 0)) | 0;
    el = low | 0;
    dh = ch;
    dl = cl;
    ch = bh;
    cl = bl;
    bh = ah;
    bl = al;
    ah = t2h | 0;
    al = t2l | 0;
  }
  add(state, [ah, al, bh, bl, ch, cl, dh, dl, eh, el, fh, fl, gh, gl, hh, hl]);
}

function add(state: Int32Array, words: readonly number[]): void {
  for (let i = 0; i < words.length; i += 2) {
    const low = ((state[i + 1] ?? 0) >>> 0) + ((words[i + 1] ?? 0) >>> 0);
    state[i] = (state[i] ?? 0) + (words[i] ?? 0) + ((low / CARRY) | 0);
    state[i + 1] = low;
  }
}
