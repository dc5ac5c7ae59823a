// Whether a regular expression of RE2 is found in a text, as Go's regexp.MatchString tells it. The time is at most that of one
// look at each step of the expression for each character, so a tenant who chooses the text cannot make the plugin hang.

import type { CharacterTest, PlaceTest } from "./re2-characters.ts";
import { type Expression, ExpressionError, parseExpression } from "./re2-syntax.ts";

/** What must hold to get on. `next` and `other` are the steps to go on with, both of them; undefined: the text matches. */
interface Step {
  readonly character?: CharacterTest;
  readonly place?: PlaceTest;
  readonly next: Step | undefined;
  other?: Step | undefined;
}

const STEP_LIMIT = 5000;

/** Reads an expression; what comes back tells whether it is found anywhere in a text. Throws ExpressionError. */
export function compileExpression(text: string): (text: string) => boolean {
  const start = new Compiler().compile(parseExpression(text), undefined);
  return (given) =>
    isFound(
      start,
      Array.from(given, (character) => character.codePointAt(0) ?? 0),
    );
}

class Compiler {
  #steps = 0;

  /** The step that begins the expression; `next` comes behind it. */
  compile(expression: Expression, next: Step | undefined): Step | undefined {
    switch (expression.kind) {
      case "character":
        return this.#step({ character: expression.is, next });
      case "place":
        return this.#step({ place: expression.is, next });
      case "sequence":
        return expression.parts.reduceRight((behind, part) => this.compile(part, behind), next);
      case "choice":
        return expression.branches
          .map((branch) => this.#entry(this.compile(branch, next)))
          .reduceRight((other, branch) => this.#step({ next: branch, other }));
      case "repeat":
        return this.#repeat(expression, next);
    }
  }

  #repeat({ inner, least, most }: Expression & { kind: "repeat" }, next: Step | undefined): Step | undefined {
    const end = this.#entry(next);
    let start = end;
    if (most === Number.POSITIVE_INFINITY) {
      const loop = this.#step({ next: end });
      loop.other = this.compile(inner, loop);
      start = loop;
    } else {
      for (let n = least; n < most; n++)
        start = this.#step({ next: end, other: this.#entry(this.compile(inner, start)) });
    }
    for (let n = 0; n < least; n++) start = this.#entry(this.compile(inner, start));
    return start;
  }

  /** The same as a step, also where the text matches already. */
  #entry(step: Step | undefined): Step {
    return this.#step({ next: step });
  }

  #step(step: Step): Step {
    if (++this.#steps > STEP_LIMIT) throw new ExpressionError("repetitions that make it too large", 1);
    return step;
  }
}

/** Follows all ways at once, a character at a time. */
function isFound(start: Step | undefined, codes: readonly number[]): boolean {
  let waiting: (Step | undefined)[] = [];
  for (let at = 0; at <= codes.length; at++) {
    const [before, after] = [codes[at - 1], codes[at]];
    const reached = new Set<Step>();
    const ways = [...waiting, start];
    waiting = [];
    while (ways.length > 0) {
      const step = ways.pop();
      if (step === undefined) return true;
      if (reached.has(step)) continue;
      reached.add(step);
      const { character, place, next } = step;
      if (character !== undefined) {
        if (after !== undefined && character(after)) waiting.push(next);
      } else if (place === undefined || place(before, after)) {
        ways.push(next);
        if ("other" in step) ways.push(step.other);
      }
    }
  }
  return false;
}
