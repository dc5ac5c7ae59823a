// A line on a terminal that tells what the command is doing, while that takes long: it is drawn over itself, and gone in the end.
// Standard error has it, and only a terminal: no file, and no log of a CI system that gives its jobs a terminal.

import { whileWaiting } from "../sys/poll.ts";
import { printable } from "../sys/printable.ts";

/** Standard error, where it is a terminal. */
export interface Screen {
  /** Undefined where the terminal does not know its width. */
  readonly columns: number | undefined;
  /** Writes to it, as it is; never fails. */
  readonly draw: (text: string) => void;
}

/** What takes less is done before anybody asks. */
const PATIENCE_MS = 1000;
/** Nobody reads more lines in a second. */
const PAUSE_MS = 100;
const USUAL_COLUMNS = 80;

/** ECMA-48, 8.3.41 EL: what stands behind on the line is erased. */
const ERASE = "\x1b[K";

/** The line of one command. */
export class Progress {
  readonly #open: () => Screen | undefined;
  readonly #now: () => number;
  readonly #began: number;
  #screen: Screen | undefined;
  #doing = "";
  #isOpen = false;
  #isDrawn = false;
  #last = 0;

  /** `open` is asked once, when there is something to tell; `now` is a clock in milliseconds. */
  constructor(open: () => Screen | undefined, now: () => number) {
    this.#open = open;
    this.#now = now;
    this.#began = now();
  }

  /** From now on the command does this: a phrase such as "removing c1". A wait (poll) has the line drawn, too. */
  at(doing: string): void {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#screen = this.#open();
      if (this.#screen !== undefined) whileWaiting(() => this.#draw());
    }
    this.#doing = doing;
    this.#draw();
  }

  /** Erases the line, for something else that is printed, or because all is done. */
  clear(): void {
    if (this.#isDrawn) this.#screen?.draw(`\r${ERASE}`);
    this.#isDrawn = false;
  }

  /** Nothing is told any more. */
  end(): void {
    this.clear();
    if (this.#screen !== undefined) whileWaiting(undefined);
    this.#screen = undefined;
  }

  #draw(): void {
    const screen = this.#screen;
    if (screen === undefined) return;
    const elapsed = this.#now() - this.#began;
    if (elapsed < PATIENCE_MS || (this.#isDrawn && elapsed - this.#last < PAUSE_MS)) return;
    const text = `${Math.floor(elapsed / 1000)} s: ${printable(this.#doing)}`;
    // A line that fills the terminal would make it scroll.
    const room = (screen.columns ?? USUAL_COLUMNS) - 1;
    screen.draw(`\r${[...text].slice(0, Math.max(0, room)).join("")}${ERASE}`);
    this.#isDrawn = true;
    this.#last = elapsed;
  }
}

/** The terminal that `find` finds, unless it could not erase a line, or is a CI system's: these set CI in the environment. */
export function screenFor(
  find: () => Screen | undefined,
  getenv: (name: string) => string | undefined,
): Screen | undefined {
  const isRefused = getenv("TERM") === "dumb" || (getenv("CI") ?? "") !== "";
  return isRefused ? undefined : find();
}
