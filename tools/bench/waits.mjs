// Where in the kernel the deletion of a link waits: looked at again and again from outside.
import { addOthers } from "./others.mjs";
import { BUILD, call, containerOf, makeSide, netnsPath, network, removeSide, run, settle } from "./sides.mjs";

/** @typedef {{ type: string, parts: import("./floor.mjs").Part[] }} Waits Mean microseconds of a deletion at each place. */

/**
 * @param {number} rounds
 * @param {(text: string) => void} log
 * @returns {Waits[]} Nothing where the kernel does not tell us.
 */
export function measureWaits(rounds, log) {
  try {
    return /** @type {const} */ (["bridge", "ptp"]).map((type) => {
      const parts = waitsOf(type, rounds);
      for (const { label, us } of parts) log(`${type}, deletion of the link: ${us.toFixed(0)} us in ${label}`);
      return { type, parts };
    });
  } catch (error) {
    log(`where a deletion waits is not to be seen: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

/**
 * @param {"bridge" | "ptp"} type
 * @param {number} rounds
 */
function waitsOf(type, rounds) {
  const side = makeSide(`waits-${type}`, "bauta", 1);
  const config = network(type);
  addOthers(side, config);
  /** @type {string[]} */
  const printed = [];
  for (let round = 0; round < rounds; round++) {
    const { result: prevResult } = call(side, "ADD", config);
    settle();
    printed.push(run(`${BUILD}/waits`, `${BUILD}/dellink`, netnsPath(containerOf(side)), "eth0"));
    call(side, "DEL", config, { prevResult });
    settle();
  }
  removeSide(side);
  return addUp(printed);
}

/**
 * Adds up what each run printed, a place a line; places of less than 1 % are left out.
 * @param {readonly string[]} printed
 * @returns {import("./floor.mjs").Part[]}
 */
export function addUp(printed) {
  /** @type {Map<string, number>} */
  const places = new Map();
  let whole = 0;
  for (const line of printed.flatMap((text) => text.split("\n"))) {
    const [, us = "", label = ""] = /^(\d+) (.+)$/.exec(line) ?? [];
    if (label === "") continue;
    places.set(label, (places.get(label) ?? 0) + Number(us) / printed.length);
    whole += Number(us) / printed.length;
  }
  const parts = [...places].map(([label, us]) => ({ label, us }));
  return parts.filter(({ us }) => us > whole / 100).sort((a, b) => b.us - a.us);
}
