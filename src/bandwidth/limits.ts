// What an attachment may carry, as its configuration says it and its record keeps it.

import type { Cidr } from "../wire/ip.ts";

/** Both ways, seen from the container: what comes to it, and what it sends. */
export const WAYS = ["ingress", "egress"] as const;

export type Way = (typeof WAYS)[number];

/** The limit of one way, in the units of CNI. */
export interface Limit {
  /** Bits per second. */
  readonly rate: number;
  /** Bits that may pass at once after a pause. */
  readonly burst: number;
}

/** The limits of an attachment; a way that is not there has none. */
export interface Limits {
  readonly ingress?: Limit | undefined;
  readonly egress?: Limit | undefined;
  /** How long, in milliseconds, the rate may take to send what waits; undefined: see bucketOf. */
  readonly latency?: number | undefined;
  /** What the limits hold for; undefined: all that the container sends and receives. */
  readonly subnets?: Subnets | undefined;
}

/** Others whom the limits hold for, or are to spare: what counts is the address that is not the container's. */
export interface Subnets {
  readonly isSpared: boolean;
  readonly prefixes: readonly Cidr[];
}
