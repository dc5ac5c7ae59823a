// A private table of a feature's, declared once: what makes it, what is wrong with it and puts it right, and how it goes when
// nothing is in it. Elements are the feature's own business.

import type { Connection } from "../netlink/connection.ts";
import { prepared } from "../netlink/message.ts";
import { addChain, type ChainSpec, createChain, deleteChain, getChain } from "../nftables/chain.ts";
import type { Expression } from "../nftables/expression.ts";
import { type Command, familyName } from "../nftables/message.ts";
import { addRule, flushChain, listRules } from "../nftables/rule.ts";
import { addSet, deleteSet, getSet, type SetSpec } from "../nftables/set.ts";
import {
  addTable,
  createTable,
  deleteEmptyTable,
  deleteTable,
  getTable,
  type Table,
  type TableName,
} from "../nftables/table.ts";
import { NFT_TABLE_F } from "../nftables/uapi.ts";
import { hasRules, isHookedAs, isSetAsMade } from "./compare.ts";

/** A chain, and the rules in it. */
export interface FilledChain {
  readonly chain: ChainSpec;
  readonly rules: readonly (readonly Expression[])[];
}

/** Sets and chains that stand together: all of a table, or what some option needs besides. */
export interface TablePart {
  readonly sets: readonly SetSpec[];
  /** A chain comes before those whose rules refer to it. */
  readonly chains: readonly FilledChain[];
}

/**
 * What is wrong with something of ours: what it is, and the commands that put it right; none where nothing can. They are
 * EEXIST where somebody has made in between what is missing.
 */
export interface Fault {
  /** `chain postrouting of table ip bauta_masquerade has been altered` */
  readonly text: string;
  readonly repair: readonly Command[];
  /** Whether there was no table at all, so that nothing in it can be in the way. */
  readonly isWhole?: boolean;
}

/** The commands that put things right. What several share is found wrong more than once, and is mended once. */
export function repairsOf(faults: readonly Fault[]): Command[] {
  const byText = new Map(faults.map(({ text, repair }) => [text, repair]));
  return [...byText.values()].flat();
}

/** `table ip bauta_masquerade` */
export function tableText({ family, name }: TableName): string {
  return `table ${familyName(family)} ${name}`;
}

/** One family's private table. */
export class PrivateTable {
  readonly name: TableName;
  readonly #part: TablePart;
  readonly #creation: readonly Command[];

  constructor(name: TableName, comment: string, part: TablePart) {
    this.name = name;
    this.#part = part;
    this.#creation = [createTable({ ...name, comment }), ...createPart(part)].map(prepared);
  }

  /** Makes the table and what always stands in it; EEXIST where there is one. */
  create(): readonly Command[] {
    return this.#creation;
  }

  /** Whether the table is there, whatever stands in it. Throws NetlinkError. */
  exists(connection: Connection): boolean {
    return this.#get(connection) !== undefined;
  }

  /** Compares the table and what always stands in it with what they should be. Throws NetlinkError. */
  faults(connection: Connection): Fault[] {
    const text = tableText(this.name);
    const table = this.#get(connection);
    if (table === undefined) return [{ text: `${text} is missing`, repair: this.#creation, isWhole: true }];
    const isDormant = (table.flags & NFT_TABLE_F.DORMANT) !== 0;
    const dormant = { text: `${text} is dormant`, repair: [addTable({ ...this.name, flags: 0 })] };
    return [...(isDormant ? [dormant] : []), ...partFaults(connection, this.#part)];
  }

  /** Whether the table has nothing besides what always stands in it and so many chains. Throws NetlinkError. */
  isEmptyBut(connection: Connection, chains: number): boolean {
    const { sets, chains: own } = this.#part;
    return this.#get(connection)?.use === sets.length + own.length + chains;
  }

  /**
   * How many jumps and verdicts lead to one of the chains that always stand there, by the kernel's own count: a chain's `use`
   * counts its rules, too. Throws NetlinkError.
   */
  countLeadingTo(connection: Connection, name: string): number {
    const own = this.#part.chains.find(({ chain }) => chain.name === name);
    const found = own === undefined ? undefined : getChain(connection, own.chain);
    return own === undefined || found === undefined ? 0 : found.use - own.rules.length;
  }

  /** Deletes the table, whatever is in it: for the generation in which it was seen to hold nothing. */
  remove(): Command[] {
    return [deleteTable(this.name)];
  }

  /**
   * Deletes the table with all that always stands in it, or with the chains and sets of these names; EBUSY, and nothing is
   * done, where it has anything more or where anything still leads to a chain.
   */
  removeEmpty(chains?: readonly string[], sets?: readonly string[]): Command[] {
    const { family, name: table } = this.name;
    const chainNames = chains ?? this.#part.chains.map(({ chain }) => chain.name).reverse();
    const setNames = sets ?? this.#part.sets.map(({ name }) => name);
    return [
      ...chainNames.map((name) => deleteChain({ family, table, name })),
      ...setNames.map((name) => deleteSet({ family, table, name })),
      deleteEmptyTable(this.name),
    ];
  }

  #get(connection: Connection): Table | undefined {
    return getTable(connection, this.name);
  }
}

/** Makes sets and chains in a table that has nothing of them. */
export function createPart({ sets, chains }: TablePart): Command[] {
  return [
    ...sets.map(addSet),
    ...chains.map(({ chain }) => addChain(chain)),
    ...chains.flatMap(({ chain, rules }) => addRules(chain, rules)),
  ];
}

/** Adds rules to a chain. */
export function addRules({ family, table, name }: ChainSpec, rules: FilledChain["rules"]): Command[] {
  return rules.map((expressions) => addRule({ family, table, chain: name, expressions }));
}

/** Compares sets and chains with what they should be. Throws NetlinkError. */
export function partFaults(connection: Connection, { sets, chains }: TablePart): Fault[] {
  return [
    ...sets.flatMap((set) => setFaults(connection, set)),
    ...chains.flatMap((chain) => chainFaults(connection, chain)),
  ];
}

/**
 * Compares a set or map, but not its elements, with what it should be; a set that is missing is made by `create`. Throws
 * NetlinkError.
 */
export function setFaults(connection: Connection, set: SetSpec, create: readonly Command[] = [addSet(set)]): Fault[] {
  const text = setText(set);
  const found = getSet(connection, set);
  if (found === undefined) return [{ text: `${text} is missing`, repair: create }];
  // Other flags or a size would let elements expire, or be refused. A set that is in use can't be replaced: it goes with the
  // last of its elements.
  return isSetAsMade(found, set) ? [] : [{ text: `${text} has been altered`, repair: [] }];
}

/** `map owners of table ip bauta_masquerade` */
export function setText({ family, table, name, dataType }: SetSpec): string {
  return `${dataType === undefined ? "set" : "map"} ${name} of ${tableText({ family, name: table })}`;
}

/** Compares a chain, and its rules, with what they should be. Throws NetlinkError. */
export function chainFaults(connection: Connection, { chain, rules }: FilledChain): Fault[] {
  const { family, table, name } = chain;
  const text = `chain ${name} of ${tableText({ family, name: table })}`;
  const found = getChain(connection, chain);
  const fill = addRules(chain, rules);
  if (found === undefined) return [{ text: `${text} is missing`, repair: [createChain(chain), ...fill] }];
  if (!isHookedAs(found, chain)) {
    const repair = [deleteChain(chain), createChain(chain), ...fill];
    return [{ text: `${text} is not the base chain it should be`, repair }];
  }
  const where = { family, table, chain: name };
  if (hasRules(listRules(connection, where), rules) && found.policy === chain.policy) return [];
  return [{ text: `${text} has been altered`, repair: [flushChain(where), addChain(chain), ...fill] }];
}
