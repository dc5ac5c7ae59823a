// What the statements of address translation share: from which addresses and ports the kernel chooses, and how.

import type { Expression } from "./expression.ts";
import { NF_NAT_RANGE } from "./uapi.ts";

/** How the kernel chooses. */
export interface NatOptions {
  /** `random`: the port by a hash and a random offset. */
  readonly random?: boolean | undefined;
  /** `fully-random`: the port wholly at random. */
  readonly fullyRandom?: boolean | undefined;
  /** `persistent`: a client gets the same address each time. */
  readonly persistent?: boolean | undefined;
  /** `:1024-65535`: the first and the last port to choose from, or the only one. After metaL4proto only. */
  readonly ports?: { readonly first: number; readonly last?: number | undefined } | undefined;
}

/** NF_NAT_RANGE flags, or undefined where there are none. */
export function natFlags(options: NatOptions): number | undefined {
  const flags =
    (options.ports === undefined ? 0 : NF_NAT_RANGE.PROTO_SPECIFIED) |
    (options.random === true ? NF_NAT_RANGE.PROTO_RANDOM : 0) |
    (options.persistent === true ? NF_NAT_RANGE.PERSISTENT : 0) |
    (options.fullyRandom === true ? NF_NAT_RANGE.PROTO_RANDOM_FULLY : 0);
  return flags === 0 ? undefined : flags;
}

/** A port in network order. Throws RangeError for what is none. */
export function portBytes(port: number): Uint8Array {
  if (!Number.isInteger(port) || port < 1 || port > 0xffff) throw new RangeError(`${port} is not a port`);
  return Uint8Array.of(port >> 8, port & 0xff);
}

/** The first and the last port, if they are given. Throws RangeError where they are the wrong way round. */
export function portValues({ ports }: NatOptions): Uint8Array[] {
  if (ports === undefined) return [];
  if (ports.last === undefined) return [portBytes(ports.first)];
  if (ports.last < ports.first) throw new RangeError(`the port range ${ports.first}-${ports.last} is reversed`);
  return [portBytes(ports.first), portBytes(ports.last)];
}

/** Values into this register and the ones that follow. */
export function loadValues(values: readonly Uint8Array[], first: number): Expression[] {
  return values.map((data, i) => ({ kind: "immediate", dreg: first + i, data }));
}
