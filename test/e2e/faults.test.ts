// Some points of some walks of test/faults, others every day; npm run test:faults has all. The seed is printed, with which the
// same points are tried again:
//
//   BAUTA_FAULTS_SEED  a number: the day, counted from 1970, where it is not given

import { registerWalks } from "../faults/register.ts";
import { turnOf } from "../faults/walk.ts";

const DAY_MS = 86_400_000;
const seed = Number(process.env["BAUTA_FAULTS_SEED"] ?? Math.floor(Date.now() / DAY_MS));

/** One walk in so many, and so many points of each: at most 90 seconds. */
const STRIDE = 8;
const POINTS = 5;

process.stdout.write(`BAUTA_FAULTS_SEED=${seed}\n`);
registerWalks({
  choice: { seed: Math.floor(seed / STRIDE), count: POINTS },
  isWanted: (title) => (turnOf(title) + seed) % STRIDE === 0,
});
