// Medians, and how sure a ratio of two medians is.

import { quantile as quantileOf, shuffle } from "simple-statistics";

/** @param {readonly number[]} values */
export const median = (values) => quantile(values, 0.5);

/**
 * The value below which a part of the values lies, between two of them where it falls there. NaN where there is no value.
 * @param {readonly number[]} values
 * @param {number} part From 0 to 1.
 */
export const quantile = (values, part) => (values.length === 0 ? Number.NaN : quantileOf([...values], part));

/**
 * @typedef {{ value: number, low: number, high: number }} Ratio With its 95 % confidence interval.
 */

/**
 * The ratio of the medians of two series, and where it lies with 95 % confidence: the interval that holds for 95 % of the
 * series drawn again, with repetition, from what was measured (bootstrap). Series of one length are taken for measured in
 * turn: what slowed down one round did so for both, so rounds are drawn as a whole.
 * @param {readonly number[]} numerator
 * @param {readonly number[]} denominator
 * @param {number} [draws]
 * @returns {Ratio}
 */
export function ratioOf(numerator, denominator, draws = 2000) {
  const random = generator(1);
  const isPaired = numerator.length === denominator.length;
  const ratios = Array.from({ length: draws }, () => {
    const rounds = numerator.map(() => Math.floor(random() * numerator.length));
    const others = isPaired ? rounds : denominator.map(() => Math.floor(random() * denominator.length));
    return median(pick(numerator, rounds)) / median(pick(denominator, others));
  });
  return {
    value: median(numerator) / median(denominator),
    low: quantile(ratios, 0.025),
    high: quantile(ratios, 0.975),
  };
}

/**
 * @param {readonly number[]} values
 * @param {readonly number[]} indices
 */
const pick = (values, indices) => indices.map((i) => values[i] ?? Number.NaN);

/**
 * Numbers from 0 to 1 that are the same in every run (mulberry32), so that a report of the same figures is the same.
 * @param {number} seed
 */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Does all of a round before the next, so that what slows the machine down slows all alike, and in another order each
 * time, so that none always comes after the same one. One that takes long may be measured in every so-manieth round only.
 * Round 0 warms up.
 * @template Subject
 * @param {readonly { subject: Subject, every?: number }[]} subjects
 * @param {number} rounds
 * @param {(subject: Subject, isMeasured: boolean) => void} work
 */
export function inTurn(subjects, rounds, work) {
  const random = generator(2);
  for (let round = 0; round <= rounds; round++) {
    const due = subjects.filter(({ every = 1 }) => round % every === 0);
    for (const { subject } of shuffle(due, random)) work(subject, round > 0);
  }
}
