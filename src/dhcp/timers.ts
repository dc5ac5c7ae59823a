// What is due when: a heap, so that a thousand leases cost no more than a few.

/** Something that is due at a time, in milliseconds, until it is cancelled. */
export interface Timer {
  readonly at: number;
  isCancelled: boolean;
  readonly run: () => void;
}

/** The timers of a loop. */
export class Timers {
  readonly #heap: Timer[] = [];
  #cancelled = 0;

  /** Has `run` called once, at the time or later. `at` may be Infinity: then it is never. */
  add(at: number, run: () => void): Timer {
    const timer = { at, isCancelled: false, run };
    if (at !== Infinity) this.#rise(this.#heap.push(timer) - 1);
    return timer;
  }

  /** Has it not called. */
  cancel(timer: Timer): void {
    if (timer.isCancelled || timer.at === Infinity) return;
    timer.isCancelled = true;
    this.#cancelled++;
    if (this.#cancelled > 64 && this.#cancelled > this.#heap.length / 2) this.#sweep();
  }

  /** When the next one is due; Infinity where none is. */
  next(): number {
    for (;;) {
      const [first] = this.#heap;
      if (first === undefined) return Infinity;
      if (!first.isCancelled) return first.at;
      this.#pop();
    }
  }

  /** Calls those that are due. */
  runDue(now: number): void {
    while (this.next() <= now) {
      const timer = this.#pop();
      if (timer === undefined) return;
      timer.isCancelled = true; // to cancel it now means nothing
      timer.run();
    }
  }

  #pop(): Timer | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (first.isCancelled) this.#cancelled--;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return first;
  }

  #sweep(): void {
    const alive = this.#heap.filter(({ isCancelled }) => !isCancelled).sort((one, other) => one.at - other.at);
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
