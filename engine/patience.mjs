// How long builds, tests and tools wait for what must happen. Such a deadline ends what hangs; it judges nothing, so it is generous:
// a machine may be emulated, or have a hundred times the load of another. Every deadline of this kind comes from here.
// BAUTA_TEST_PATIENCE is the number of seconds that one wait may take.

const { BAUTA_TEST_PATIENCE: given } = process.env;

/** One wait, in seconds: for a program that must end, an answer that must come, a state that the kernel must reach. */
export const PATIENCE_S = given === undefined ? 120 : Number(given);
if (!(PATIENCE_S >= 1)) throw new Error(`BAUTA_TEST_PATIENCE=${given}: a number of seconds is needed`);

/** The same in milliseconds. */
export const PATIENCE_MS = PATIENCE_S * 1000;

/** A whole test, or what prepares it, in milliseconds: many waits, and what happens in between. */
export const TEST_PATIENCE_MS = 10 * PATIENCE_MS;

/** A whole file of tests in a guest, in seconds. */
export const FILE_PATIENCE_S = 20 * PATIENCE_S;
