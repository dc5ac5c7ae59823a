// Prometheus' text format (version 0.0.4, "Exposition formats" of its documentation).

import { printable } from "../../sys/printable.ts";

/** One gauge with all that it has been measured of. */
export interface Metric {
  /** `bauta_attachments` */
  readonly name: string;
  /** A sentence that tells people what the value is. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** Not negative. */
  readonly value: number | bigint;
}

/** The lines of the metrics, without line ends; a metric that nothing was measured of has none. */
export function expositionLines(metrics: readonly Metric[]): string[] {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, help, samples }) => [
      `# HELP ${name} ${escaped(help)}`,
      `# TYPE ${name} gauge`,
      ...samples.map(({ labels, value }) => `${name}${labelsText(labels)} ${value}`),
    ]);
}

function labelsText(labels: Sample["labels"]): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value).replaceAll('"', '\\"')}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

/** The format has escapes for line ends, and none for what a terminal would obey: that becomes visible. */
function escaped(text: string): string {
  return printable(text).replaceAll("\\", "\\\\");
}

/** How often each of these sets of labels occurs, or what comes together for it. */
export class Tally {
  readonly #sums: Map<string, { readonly labels: Sample["labels"]; value: bigint }> = new Map();

  add(labels: Sample["labels"], value = 1n): void {
    const key = JSON.stringify(labels);
    const known = this.#sums.get(key);
    if (known === undefined) this.#sums.set(key, { labels, value });
    else known.value += value;
  }

  get samples(): Sample[] {
    return [...this.#sums.values()];
  }
}
