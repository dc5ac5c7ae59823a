// What stands in a family's table, listed: for the rare cases in which knowing one's own keys is not enough.

import type { Connection } from "../netlink/connection.ts";
import { type Element, listElements } from "../nftables/element.ts";
import { hasCode } from "../sys/error.ts";
import type { Family } from "../wire/ip.ts";
import { bytesText, type Elements } from "./elements.ts";
import {
  ADDRESSES,
  CONDITIONAL_ADDRESSES,
  CONDITIONAL_PORTS,
  COUNTED,
  EVERYONE,
  OWNERS,
  PAIRS,
  PORTS,
  RETURNING,
  SETS,
  type SetName,
  setIn,
} from "./table-names.ts";

/** All elements of a family's table; of a set that is missing, none. Throws NetlinkError. */
export function readState(connection: Connection, family: Family): Elements {
  return new Map(SETS.map((set) => [set, listIfAny(connection, family, set)]));
}

function listIfAny(connection: Connection, family: Family, set: SetName): Element[] {
  try {
    return listElements(connection, setIn(family, set));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** Of an element with an address as data, or with one in front of its data: that address. */
export function addressIn({ data }: Element, family: Family): Uint8Array | undefined {
  return data instanceof Uint8Array ? data.subarray(0, lengthOf(family)) : undefined;
}

const lengthOf = (family: Family): number => (family === 4 ? 4 : 16);

const IFNAME_LENGTH = 16;

/**
 * Everything about these attachments, by their ids as text, and about these containers, by their addresses as bytesText has
 * them, because an attachment that had one of the addresses before is gone.
 */
export function belongingsOf(
  state: Elements,
  family: Family,
  ids: ReadonlySet<string>,
  addresses: ReadonlySet<string> = new Set(),
): Elements {
  const all = (set: SetName): readonly Element[] => state.get(set) ?? [];
  const addressOf = (element: Element): string => bytesText(addressIn(element, family) ?? element.key);
  const wanted = new Set(addresses);
  for (const owner of all(OWNERS)) if (ids.has(bytesText(owner.key))) wanted.add(addressOf(owner));
  const owners = all(OWNERS).filter((one) => ids.has(bytesText(one.key)) || wanted.has(addressOf(one)));
  const known = new Set([...ids, ...owners.map(({ key }) => bytesText(key))]);
  const isWanted = (bytes: Uint8Array): boolean => wanted.has(bytesText(bytes));
  const mapped = (set: SetName): Element[] => all(set).filter((one) => wanted.has(addressOf(one)));
  const [byAddress, byPort] = [mapped(ADDRESSES), mapped(PORTS)];
  const conditional = (set: SetName, of: readonly Element[]): Element[] => {
    const keys = new Set(of.map(({ key }) => bytesText(key)));
    return all(set).filter(({ key }) => keys.has(bytesText(key)));
  };
  return new Map<SetName, readonly Element[]>([
    [OWNERS, owners],
    [COUNTED, all(COUNTED).filter(({ key }) => known.has(bytesText(key)))],
    [ADDRESSES, byAddress],
    [PORTS, byPort],
    [CONDITIONAL_ADDRESSES, conditional(CONDITIONAL_ADDRESSES, byAddress)],
    [CONDITIONAL_PORTS, conditional(CONDITIONAL_PORTS, byPort)],
    [RETURNING, all(RETURNING).filter(({ key }) => isWanted(key.subarray(IFNAME_LENGTH)))],
    [PAIRS, all(PAIRS).filter(({ key }) => isWanted(key.subarray(lengthOf(family))))],
    [EVERYONE, all(EVERYONE).filter(({ key }) => isWanted(key))],
  ]);
}

/** The first without the second. */
export function without(state: Elements, gone: Elements): Elements {
  return new Map(
    [...state].map(([set, elements]) => {
      const keys = new Set((gone.get(set) ?? []).map(({ key }) => bytesText(key)));
      return [set, elements.filter(({ key }) => !keys.has(bytesText(key)))] as const;
    }),
  );
}

/** The same elements, to be found by their keys. */
export class StateIndex {
  readonly #sets: ReadonlyMap<SetName, ReadonlyMap<string, Element>>;

  constructor(state: Elements) {
    this.#sets = new Map(
      [...state].map(([set, elements]) => [set, new Map(elements.map((one) => [bytesText(one.key), one]))] as const),
    );
  }

  get(set: SetName, key: Uint8Array): Element | undefined {
    return this.#sets.get(set)?.get(bytesText(key));
  }
}
