// What is due when: a heap, so that a thousand leases cost no more than a few.

/**
 * Something that is due at a time, in milliseconds. `run` goes when it has been called, or cancelled: what runs may hold on to
 * the timer, and a circle stays in memory for long.
 */
export interface Timer {
  readonly at: number;
  run: (() => void) | undefined;
}

/** The timers of a loop. */
export class Timers {
  readonly #heap: Timer[] = [];
  #cancelled = 0;

  /** Has `run` called once, at the time or later. `at` may be Infinity: then it is never. */
  add(at: number, run: () => void): Timer {
    const timer: Timer = { at, run };
    if (at !== Infinity) this.#rise(this.#heap.push(timer) - 1);
    return timer;
  }

  /** Has it not called. */
  cancel(timer: Timer): void {
    if (timer.run === undefined) return;
    timer.run = undefined;
    if (timer.at === Infinity) return;
    this.#cancelled++;
    if (this.#cancelled > 64 && this.#cancelled > this.#heap.length / 2) this.#sweep();
  }

  /** When the next one is due; Infinity where none is. */
  next(): number {
    for (;;) {
      const [first] = this.#heap;
      if (first === undefined) return Infinity;
      if (first.run !== undefined) return first.at;
      this.#pop();
    }
  }

  /** Calls those that are due. */
  runDue(now: number): void {
    while (this.next() <= now) {
      const timer = this.#pop();
      const run = timer?.run;
      if (timer === undefined || run === undefined) return;
      timer.run = undefined; // to cancel it now means nothing
      run();
    }
  }

  #pop(): Timer | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (first.run === undefined) this.#cancelled--;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return first;
  }

  #sweep(): void {
    const alive = this.#heap.filter(({ run }) => run !== undefined).sort((one, other) => one.at - other.at);
    this.#heap.splice(0, this.#heap.length, ...alive);
    this.#cancelled = 0;
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (this.#atOf(parent) <= this.#atOf(at)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    for (let at = from; ; ) {
      const [left, right] = [at * 2 + 1, at * 2 + 2];
      const least = this.#atOf(right) < this.#atOf(left) ? right : left;
      if (this.#atOf(at) <= this.#atOf(least)) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #atOf(index: number): number {
    return this.#heap[index]?.at ?? Infinity;
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }
}
