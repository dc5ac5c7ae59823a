// nf_tables' generations as they happen, and which of them took a family away from somebody: rules about IPv4 addresses
// that go while IPv6 ones come or stay, or the other way round.

import { FAMILIES, type Family, familyIn } from "./prefixes.ts";
import type { ChangeReport } from "./reports.ts";

/** One transaction. */
export interface Generation {
  /** Counts what this program has seen; a generation that is told again has the same. */
  readonly id: number;
  readonly number: number;
  /** The program and its process. */
  readonly by: string;
  /** When its first line was read, in milliseconds since 1970. */
  readonly at: number;
  readonly added: Record<Family, number>;
  readonly deleted: Record<Family, number>;
  /** Changes that are about no address. */
  others: number;
  readonly losses: Loss[];
  /** nft's words, of the first changes. */
  readonly texts: readonly string[];
  readonly more: number;
}

/** Somebody has lost a family, and has the other. */
export interface Loss {
  readonly family: Family;
  /** `web-1 on lan`, or the table and chain where the rules name nobody. */
  readonly who: string;
  readonly by: string;
}

const TEXTS = 40;
/** How many generations are kept, of those that follow each other. */
const KEPT = 500;
/** What happens to a holder within this time is one deed: a plugin's ADD or DEL makes several transactions. */
const DEED_MS = 5000;

/** Which families an attachment of bauta's has, besides what the monitor has seen. */
export type KnownFamilies = (network: string, container: string) => ReadonlySet<Family>;

/** What one holder has of rules and elements, as far as the monitor has seen them come. */
interface Holding {
  readonly has: Readonly<Record<Family, Set<string>>>;
  /** What went in the deed that was last, and has not come back. */
  readonly gone: Readonly<Record<Family, Set<string>>>;
  /** The loss that the deed has been, and where it stands. */
  told: { readonly loss: Loss; readonly generation: Generation } | undefined;
  at: number;
}

export class TimeLine {
  readonly generations: Generation[] = [];
  readonly #known: KnownFamilies;
  readonly #holdings = new Map<string, Holding>();
  #taken = 0;

  constructor(known: KnownFamilies = () => new Set()) {
    this.#known = known;
  }

  /** Forgets what there was, because events were lost. */
  forget(): void {
    this.#holdings.clear();
  }

  /**
   * Takes the lines of one transaction, in their order. Returns its generation, and before it an earlier one whose loss has
   * turned out to be none: the other family went, too. `now` is the time in milliseconds since 1970.
   */
  take(changes: readonly ChangeReport[], now: number): Generation[] {
    const [first] = changes;
    if (first === undefined) return [];
    const by = `${first.program ?? "unknown"}${first.pid == null ? "" : `, process ${first.pid}`}`;
    const generation: Generation = {
      id: ++this.#taken,
      number: first.generation ?? 0,
      by,
      at: now,
      added: { 4: 0, 6: 0 },
      deleted: { 4: 0, 6: 0 },
      others: 0,
      losses: [],
      texts: changes.slice(0, TEXTS).map(({ text = "" }) => text),
      more: Math.max(0, changes.length - TEXTS),
    };
    const touched = new Map<string, ChangeReport>();
    for (const change of changes) {
      const families = familiesOf(change);
      if (families.size === 0) generation.others++;
      for (const family of families) {
        generation[change.change === "add" ? "added" : "deleted"][family]++;
        touched.set(this.#hold(change, family, now), change);
      }
    }
    const revised = [...touched].flatMap(([who, change]) => this.#judge(who, change, generation));
    this.generations.push(generation);
    if (this.generations.length > KEPT) this.generations.shift();
    return [...new Set(revised), generation];
  }

  #hold(change: ChangeReport, family: Family, now: number): string {
    const who = holderOf(change);
    const holding = this.#holdings.get(who) ?? {
      has: { 4: new Set<string>(), 6: new Set<string>() },
      gone: { 4: new Set<string>(), 6: new Set<string>() },
      told: undefined,
      at: now,
    };
    this.#holdings.set(who, holding);
    if (now - holding.at > DEED_MS) {
      for (const one of FAMILIES) holding.gone[one].clear();
      holding.told = undefined;
    }
    holding.at = now;
    const thing = thingOf(change);
    const [from, to] = change.change === "add" ? [holding.gone, holding.has] : [holding.has, holding.gone];
    from[family].delete(thing);
    to[family].add(thing);
    return who;
  }

  /** Whether a family went while the other is there. Returns the earlier generation that this takes a loss from. */
  #judge(who: string, change: ChangeReport, generation: Generation): Generation[] {
    const holding = this.#holdings.get(who);
    if (holding === undefined) return [];
    const { has, gone, told } = holding;
    const known = change.container == null ? new Set<Family>() : this.#known(change.network ?? "", change.container);
    const isLost = (family: Family, other: Family): boolean => {
      // Of an attachment of bauta's each element counts: without one of them its packets leave unmasqueraded.
      const isGone = gone[family].size > 0 && (change.container != null || has[family].size === 0);
      return isGone && gone[other].size === 0 && (has[other].size > 0 || known.has(other));
    };
    const family = FAMILIES.find((one) => isLost(one, one === 4 ? 6 : 4));
    const isOver = has[4].size + has[6].size === 0 && family === undefined && told === undefined;
    if (isOver && gone[4].size + gone[6].size === 0) this.#holdings.delete(who);
    if (family === told?.loss.family) return [];
    holding.told = undefined;
    if (told !== undefined) told.generation.losses.splice(told.generation.losses.indexOf(told.loss), 1);
    if (family !== undefined) {
      const loss: Loss = { family, who, by: generation.by };
      generation.losses.push(loss);
      holding.told = { loss, generation };
    }
    return told === undefined ? [] : [told.generation];
  }
}

/** What a rule or an element is known by when it goes. */
function thingOf({ kind, family, table, set, key, text = "" }: ChangeReport): string {
  return kind === "element" ? `${family} ${table} ${set} ${key}` : text.replace(/^(add|delete) /, "");
}

/** Splits a stream of monitor's lines into transactions: the lines of one come together. */
export class Transactions {
  readonly #take: (changes: readonly ChangeReport[]) => void;
  #rest = "";

  constructor(take: (changes: readonly ChangeReport[]) => void) {
    this.#take = take;
  }

  /** Takes a part of the stream. Lines of one transaction that come in two parts are two takes with one number. */
  write(part: string): void {
    const lines = (this.#rest + part).split("\n");
    this.#rest = lines.pop() ?? "";
    let together: ChangeReport[] = [];
    for (const line of lines) {
      const change = JSON.parse(line) as ChangeReport;
      const [last] = together;
      if (last !== undefined && (last.generation !== change.generation || change.change === "lost")) {
        this.#take(together);
        together = [];
      }
      together.push(change);
    }
    if (together.length > 0) this.#take(together);
  }
}

const ADDRESS = /(?<![\w:.])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}:[0-9a-f:.]*:[0-9a-f.]*)(?![\w:])/gi;

/** The families that a change is about: of its addresses, or of the table where its key is none. */
function familiesOf({ kind, family, key, text = "" }: ChangeReport): ReadonlySet<Family> {
  if (kind !== "rule" && kind !== "element") return new Set();
  const words = key === undefined ? text : key;
  const found = (words.match(ADDRESS) ?? []).flatMap((one) => familyIn(one) ?? []);
  if (found.length > 0) return new Set(found);
  if (kind === "rule" && /\bip6? [sd]addr\b/.test(text)) return new Set([/\bip6 [sd]addr\b/.test(text) ? 6 : 4]);
  if (kind !== "element") return new Set();
  return family === "ip" ? new Set([4]) : family === "ip6" ? new Set([6]) : new Set();
}

/** Whose a rule or an element is: of an attachment of bauta's, of one that the comment names, or of the chain. */
function holderOf({ network, container, interface: ifname, comment, table, chain, set }: ChangeReport): string {
  if (container != null) return `${container} on ${network ?? "?"}${ifname == null ? "" : ` (${ifname})`}`;
  // containernetworking/plugins write "HASH, net: NETWORK, if: INTERFACE, id: CONTAINER".
  const named = /net: (.*), if: (.*), id: (.*)$/.exec(comment ?? "");
  if (named !== null) return `${named[3]} on ${named[1]} (${named[2]})`;
  return `${table} ${chain ?? set ?? ""}`;
}
