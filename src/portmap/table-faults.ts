// What is wrong with a family's table itself: with what always stands in it, and with the elements of `exceptions`. Attachments share
// those, so no DEL takes out one that somebody has altered, and no ADD can make it anew.

import type { Connection } from "../netlink/connection.ts";
import { createElements, deleteElements, type Element, getElement } from "../nftables/element.ts";
import { type Fault, tableText } from "../owned/table.ts";
import type { Family } from "../wire/ip.ts";
import { type Elements, exceptionFor, isSameData, type Part } from "./elements.ts";
import { PROTOCOLS, protocolText } from "./mapping.ts";
import { TABLES } from "./table.ts";
import { EXCEPTIONS, setIn } from "./table-names.ts";

/** `state` has the elements that are there. Throws NetlinkError. */
export function tableFaults(connection: Connection, family: Family, state: Elements): Fault[] {
  return [...TABLES[family].faults(connection), ...exceptionFaults(family, state.get(EXCEPTIONS) ?? [])];
}

/** The same for CHECK, which looks at the elements alone that packets to the part's ports come by. Throws NetlinkError. */
export function tableFaultsFor(connection: Connection, { family, entries }: Part): Fault[] {
  const protocols = [...new Set(entries.map(({ mapping }) => PROTOCOLS[mapping.protocol]))];
  const set = setIn(family, EXCEPTIONS);
  const found = protocols.flatMap((one) => getElement(connection, set, exceptionFor(one).key) ?? []);
  return [...TABLES[family].faults(connection), ...exceptionFaults(family, found)];
}

/** Those of the elements that lead elsewhere than they should. */
function exceptionFaults(family: Family, found: readonly Element[]): Fault[] {
  const set = setIn(family, EXCEPTIONS);
  return found.flatMap((element): Fault[] => {
    const [protocol = 0] = element.key;
    const elements = [exceptionFor(protocol)];
    if (elements.every((wanted) => isSameData(element, wanted))) return [];
    const what = `the element ${protocolText(protocol)} of map ${EXCEPTIONS} of ${tableText(TABLES[family].name)}`;
    const repair = [...deleteElements({ ...set, elements }), ...createElements({ ...set, elements })];
    return [{ text: `${what} has been altered`, repair }];
  });
}
