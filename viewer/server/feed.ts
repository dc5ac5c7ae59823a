// What pages are told: the whole at first, then what has changed. While nobody looks, nobody is asked.

import { attachmentOf } from "../model/picture.ts";
import { FAMILIES, type Family } from "../model/prefixes.ts";
import { type ChangeReport, keyOf, type ListedAttachment, NO_NODE, type NodeReport } from "../model/reports.ts";
import { TimeLine, Transactions } from "../model/time-line.ts";
import type { Executable, Following } from "./executable.ts";

/** Somebody who is told. */
export interface Listener {
  /** Takes an event. `whole` makes all there is, for one who could not keep up. */
  readonly tell: (event: string, whole: () => string) => void;
}

/** Listing may take a fiftieth of the time: every second at the most, and seldom where there is much to list. */
const LEAST_PAUSE_MS = 1000;
const SHARE = 50;
/** After a generation it may be sooner. */
const SOON_MS = 250;
const SOON_SHARE = 20;
/** The monitor is begun again when it has ended, after a while. */
const RESTART_MS = 2000;

/** As many attachments as fit onto a large screen. */
const PAINTED_FIRST = 200;

export class Feed {
  readonly #bauta: Executable;
  readonly #listeners = new Set<Listener>();
  /** The lines of the list, and what they are about. */
  #lines = new Map<string, ListedAttachment>();
  #node: NodeReport = NO_NODE;
  #nodeText = "";
  #trouble = "";
  readonly #timeLine: TimeLine;
  #monitor: Following | undefined;
  #timer: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isLooking = false;
  #tookMs = 0;
  #endedAt = 0;
  #whole: string | undefined;
  #isOver = false;

  constructor(bauta: Executable) {
    this.#bauta = bauta;
    this.#timeLine = new TimeLine((network, container) => this.#familiesOf(network, container));
  }

  /** Begins to follow the generations, which pages that are opened later see as well. */
  start(): void {
    this.#follow();
    void this.#look();
  }

  stop(): void {
    this.#isOver = true;
    this.#monitor?.stop();
    clearTimeout(this.#timer);
    clearTimeout(this.#restart);
  }

  add(listener: Listener): void {
    this.#listeners.add(listener);
    listener.tell(this.whole(), () => this.whole());
    // What is known is drawn first.
    if (this.#nodeText !== "") this.#endedAt = Date.now();
    this.#plan(LEAST_PAUSE_MS, 0);
  }

  remove(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** All there is, as two events: what a page paints at first, and the rest of the attachments. */
  whole(): string {
    const attachments = [...this.#lines.values()];
    this.#whole ??= `${eventOf("whole", {
      attachments: attachments.slice(0, PAINTED_FIRST),
      node: this.#node,
      generations: this.#timeLine.generations,
      trouble: this.#trouble,
    })}${eventOf("rest", attachments.slice(PAINTED_FIRST))}`;
    return this.#whole;
  }

  #tell(name: string, data: unknown): void {
    this.#whole = undefined;
    if (this.#listeners.size === 0) return;
    const event = eventOf(name, data);
    for (const listener of this.#listeners) listener.tell(event, () => this.whole());
  }

  #plan(least: number, share: number): void {
    if (this.#isOver || this.#isLooking) return;
    clearTimeout(this.#timer);
    const pause = Math.max(least, this.#tookMs * share) - (Date.now() - this.#endedAt);
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, pause));
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#isOver) return;
    this.#isLooking = true;
    const begun = Date.now();
    try {
      const isOther = this.#takeList(await this.#bauta.run(["list", "--json"]));
      if (isOther || this.#nodeText === "") this.#takeNode(await this.#bauta.run(["node", "--json"]));
      this.#say("");
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error));
    }
    this.#endedAt = Date.now();
    this.#tookMs = this.#endedAt - begun;
    this.#isLooking = false;
    if (this.#listeners.size > 0) this.#plan(LEAST_PAUSE_MS, SHARE);
  }

  /** Most lines are as they were, and need not be read. Returns whether other attachments are there than before. */
  #takeList(text: string): boolean {
    const lines = new Map<string, ListedAttachment>();
    const changed: ListedAttachment[] = [];
    for (const line of text.split("\n")) {
      if (!line.startsWith(" {")) continue;
      const known = this.#lines.get(line);
      const listed = known ?? (JSON.parse(line.replace(/,$/, "")) as ListedAttachment);
      lines.set(line, listed);
      if (known === undefined) changed.push(listed);
    }
    const there = new Set([...lines.values()].map(keyOf));
    const before = new Set([...this.#lines.values()].map(keyOf));
    const removed = [...before].filter((key) => !there.has(key));
    this.#lines = lines;
    if (changed.length > 0 || removed.length > 0) this.#tell("attachments", { changed, removed });
    return removed.length > 0 || there.size !== before.size;
  }

  #takeNode(text: string): void {
    if (text === this.#nodeText) return;
    this.#nodeText = text;
    this.#node = JSON.parse(text);
    this.#tell("node", this.#node);
  }

  #say(trouble: string): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#tell("trouble", trouble);
  }

  #follow(): void {
    const transactions = new Transactions((changes) => this.#takeChanges(changes));
    this.#monitor = this.#bauta.follow(
      ["monitor", "--all", "--json"],
      (part) => transactions.write(part),
      (why) => {
        this.#say(why);
        this.#timeLine.forget();
        clearTimeout(this.#restart);
        if (!this.#isOver) this.#restart = setTimeout(() => this.#follow(), RESTART_MS);
      },
    );
  }

  #takeChanges(changes: readonly ChangeReport[]): void {
    if (changes[0]?.change === "lost") this.#timeLine.forget();
    else this.#tell("generations", this.#timeLine.take(changes, Date.now()));
    if (this.#listeners.size > 0) this.#plan(SOON_MS, SOON_SHARE);
  }

  #familiesOf(network: string, container: string): ReadonlySet<Family> {
    for (const listed of this.#lines.values()) {
      if (listed.network !== network || listed.container !== container) continue;
      const { sides } = attachmentOf(listed);
      return new Set(FAMILIES.filter((family) => sides[family] !== undefined));
    }
    return new Set();
  }
}

function eventOf(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
