// The strict reverse path filter drops packets that come in by another interface than the one that answers would leave by.

import type { Check } from "./finding.ts";
import type { Node } from "./node.ts";
import { formatList } from "./words.ts";

const STRICT = 1;

export const reversePath: Check<Node> = {
  name: "reverse-path",
  look(node) {
    if (!node.networks().some(({ isRouted, families }) => isRouted && families.has(4))) return [];
    const defaults = node.routes(4).filter(({ dst }) => dst.prefixLength === 0);
    const indexes = new Set(
      defaults.flatMap(({ device, nextHops = [] }) => [device?.index, ...nextHops.map((hop) => hop.device.index)]),
    );
    // With one way out nothing comes in by another.
    if (indexes.size < 2) return [];
    const strict = node.links().filter(({ index, name }) => indexes.has(index) && modeOf(node, name) === STRICT);
    if (strict.length === 0) return [];
    const names = strict.map(({ name }) => name);
    return [
      {
        severity: "warning",
        text: `the reverse path filter is strict on ${formatList(names)}, and there are ${indexes.size} ways out: answers to containers that come in by the other way are dropped`,
        remedy: names.map((name) => `sysctl -w net/ipv4/conf/${name}/rp_filter=2`).join("; "),
      },
    ];
  },
};

/** The larger of the interface's value and that of `all` counts (Documentation/networking/ip-sysctl.rst). */
function modeOf(node: Node, name: string): number {
  return Math.max(...["all", name].map((one) => Number(node.sysctl(`net/ipv4/conf/${one}/rp_filter`) ?? "0")));
}
