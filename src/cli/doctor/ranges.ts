// Ranges that have no addresses left, or few.

import { capacityOf, formatSet, rangeFor } from "../../ipam/range.ts";
import type { Check, Finding } from "./finding.ts";
import type { Node } from "./node.ts";
import { percentOf } from "./words.ts";

/** From here on it is told. */
const FULL = 0.9;

export const ranges: Check<Node> = {
  name: "ranges",
  look(node) {
    return node.networks().flatMap((network) => {
      const taken = network.sets.length === 0 ? [] : node.taken(network);
      return network.sets.flatMap((set): Finding[] => {
        const capacity = capacityOf(set);
        const count = taken.filter((ip) => rangeFor(set, ip) !== undefined).length;
        if (count < capacity * FULL || count === 0) return [];
        const { name, store, file } = network;
        const which = `${formatSet(set)} of the network ${name}`;
        if (count < capacity) {
          const text = `${percentOf(count, capacity)} of the addresses are taken: ${count} of ${capacity}, ${which}`;
          return [
            {
              severity: "warning",
              text,
              remedy: `a larger subnet in ${file}; \`bauta gc --dry-run\` tells of what was left behind`,
            },
          ];
        }
        const text = `all ${capacity} addresses are taken: ${which}`;
        const remedy = `\`bauta gc\` gives back what was left behind; ${store} has a file for each address; else a larger subnet in ${file}`;
        return [{ severity: "problem", text, remedy }];
      });
    });
  },
};
