// What takes addresses out, by what the kernel says they have now; for when it is not all as the records say.

import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { idText } from "../../owned/id.ts";
import { type Fault, type PrivateTable, repairsOf } from "../../owned/table.ts";
import { sameBytes } from "../../wire/codec.ts";
import { FAMILIES, type Family, familyOf, type Ip } from "../../wire/ip.ts";
import {
  chainsLedTo,
  clearWay,
  deleteElement,
  type Held,
  type Holding,
  readHeld,
  requireSameOwner,
} from "./elements.ts";
import { giveBack, heirOf, type Inheritance } from "./heirs.ts";
import { Networks } from "./networks.ts";
import { apart } from "./policy-name.ts";
import type { DisplacedClaim } from "./records.ts";
import { OWNERS, POLICIES, STRICT } from "./table-names.ts";
import { hasOptions, unusedAfter } from "./unused.ts";

/** An attachment that goes, and what it is known to hold. */
export interface Leaving {
  readonly id: Uint8Array;
  readonly holdings: readonly Holding[];
  readonly displaced: readonly DisplacedClaim[];
}

/** What becomes of addresses. */
export interface Released {
  /** They leave the maps. */
  readonly left: readonly Ip[];
  /** They were not in the maps to begin with. */
  readonly absent: readonly Ip[];
}

/** The plan of one transaction. With `isGuarded` it fails where another has taken part of that over since. */
export class ExactRelease {
  readonly #nft: Nftables;
  readonly #leaving: readonly Leaving[];
  readonly #isGuarded: boolean;
  readonly #networks: Partial<Record<Family, Networks>> = {};
  /** How many verdicts that lead to each chain go. */
  readonly #going: Record<Family, Map<string, number>> = { 4: new Map(), 6: new Map() };
  readonly #deletions: Command[] = [];
  readonly #faults: Fault[] = [];
  readonly #returns: Command[] = [];
  readonly #left: Ip[] = [];
  readonly #absent: Ip[] = [];
  readonly #inherited: Inheritance[] = [];
  readonly #structure: Record<Family, readonly Command[]>;

  /** Reads what there is to know. Throws NetlinkError or SyscallError. */
  constructor(nft: Nftables, leaving: readonly Leaving[], isGuarded: boolean) {
    this.#nft = nft;
    this.#leaving = leaving;
    this.#isGuarded = isGuarded;
    const ids = new Set(leaving.map(({ id }) => idText(id)));
    for (const one of leaving) for (const holding of one.holdings) this.#take(one, holding, ids);
    for (const { holding } of this.#inherited) this.#going[familyOf(holding.ip)].delete(holding.chain);
    this.#structure = { 4: this.#unused(4), 6: this.#unused(6) };
  }

  commands(): Command[] {
    const structure = FAMILIES.flatMap((family) => this.#structure[family]);
    return [...this.#deletions, ...repairsOf(this.#faults), ...this.#returns, ...structure];
  }

  released(): Released {
    return { left: this.#left, absent: this.#absent };
  }

  inherited(): readonly Inheritance[] {
    return this.#inherited;
  }

  /** Families in which chains go that may have had sets. */
  untidy(): Family[] {
    const holdings = this.#leaving.flatMap((one) => one.holdings);
    return FAMILIES.filter(
      (family) =>
        this.#structure[family].length > 0 && holdings.some((one) => familyOf(one.ip) === family && hasOptions(one)),
    );
  }

  #take({ id, displaced }: Leaving, { ip, chain }: Holding, leavingIds: ReadonlySet<string>): void {
    const family = familyOf(ip);
    // Its chain may have become unused although the address itself is another's by now.
    for (const name of [chain, apart(chain)]) this.#count(family, name, 0);
    const held = readHeld(this.#nft, ip);
    if (held.id === undefined ? !hasElements(held) : !sameBytes(held.id, id)) {
      if (held.id === undefined) this.#absent.push(ip);
      return;
    }
    if (this.#isGuarded) this.#deletions.push(...requireSameOwner(ip, held));
    this.#deletions.push(...deletionOf(ip, held));
    for (const name of chainsLedTo(held)) this.#count(family, name, 1);
    const heir = heirOf(ip, displaced, leavingIds);
    if (heir === undefined || !this.#return(family, heir)) this.#left.push(ip);
  }

  #count(family: Family, chain: string, going: number): void {
    const counts = this.#going[family];
    counts.set(chain, (counts.get(chain) ?? 0) + going);
  }

  /** Returns false where the address can't be given back. */
  #return(family: Family, { owner, holding }: Inheritance): boolean {
    const networks = this.#networks[family] ?? Networks.read(this.#nft, family);
    this.#networks[family] = networks;
    const back = { owner, holding: { ...holding, chain: networks.chainFor(holding.chain) } };
    const given = giveBack(this.#nft, back, networks);
    if (given === undefined) return false;
    this.#faults.push(...given.faults);
    this.#returns.push(...given.commands);
    this.#inherited.push(back);
    return true;
  }

  #unused(family: Family): Command[] {
    const deleteTable = (table: PrivateTable): Command[] => (this.#isGuarded ? table.removeEmpty() : table.remove());
    const isUsed = this.#inherited.some(({ holding }) => familyOf(holding.ip) === family);
    return unusedAfter(this.#nft, family, this.#going[family], isUsed ? undefined : deleteTable, true);
  }
}

/** An address has all its elements in one transaction: any without an owner are what somebody has left of ours. */
function hasElements({ verdict, isMember, exception }: Held): boolean {
  return verdict !== undefined || isMember || exception !== undefined;
}

function deletionOf(ip: Ip, held: Held): Command[] {
  const family = familyOf(ip);
  const maps = [
    ...(held.id === undefined ? [] : [OWNERS]),
    ...(held.verdict === undefined ? [] : [POLICIES]),
    ...(held.isStrict ? [STRICT] : []),
  ];
  return [...maps.flatMap((map) => deleteElement(family, map, ip)), ...clearWay(ip, held)];
}
