import { afterEach, describe, expect, it } from "vitest";
import { poll } from "../sys/poll.ts";
import { Progress, type Screen, screenFor } from "./progress.ts";

let progress: Progress | undefined;
afterEach(() => progress?.end());

/** The line on a terminal of so many columns, what has been drawn there, and a clock. */
function onTerminal(...given: readonly (number | undefined)[]) {
  const columns = given.length === 0 ? 20 : given[0];
  const drawn: string[] = [];
  const clock = { now: 5000 };
  const screen: Screen = { columns, draw: (text) => drawn.push(text) };
  progress = new Progress(
    () => screen,
    () => clock.now,
  );
  return { progress, drawn, clock };
}

describe("the line that tells what is being done", () => {
  it("is not drawn before a second has passed, and then with the seconds", () => {
    const { progress: line, drawn, clock } = onTerminal();
    line.at("removing c1");
    clock.now += 999;
    line.at("removing c2");
    expect(drawn).toEqual([]);
    clock.now += 1;
    line.at("removing c3");
    expect(drawn).toEqual(["\r1 s: removing c3\x1b[K"]);
  });

  it("is drawn ten times a second at the most, and erased only where it was drawn", () => {
    const { progress: line, drawn, clock } = onTerminal();
    line.at("one");
    line.clear();
    expect(drawn).toEqual([]);
    clock.now += 1500;
    for (const text of ["two", "three", "four"]) {
      line.at(text);
      clock.now += 60;
    }
    line.clear();
    line.clear();
    expect(drawn).toEqual(["\r1 s: two\x1b[K", "\r1 s: four\x1b[K", "\r\x1b[K"]);
  });

  it.each([
    [20, 19],
    [1, 0],
    [undefined, 79],
  ])("stays within %s columns, and never fills the last one", (columns, most) => {
    const { progress: line, drawn, clock } = onTerminal(columns);
    clock.now += 12_000;
    line.at("é".repeat(200));
    expect([...(drawn[0] ?? "").replace(/^\r/, "").replace("\x1b[K", "")]).toHaveLength(most);
  });

  it("has nothing that a terminal would obey, whatever a name holds", () => {
    const { progress: line, drawn, clock } = onTerminal(80);
    clock.now += 1000;
    line.at("a\x1b[2Jb\r\n");
    expect(drawn[0]?.slice(1, -3)).not.toMatch(/[\p{Cc}]/u);
  });

  it("goes on while the command waits, until the end", () => {
    const { progress: line, drawn, clock } = onTerminal();
    line.at("waiting");
    clock.now += 2000;
    poll([], 1);
    expect(drawn).toEqual(["\r2 s: waiting\x1b[K"]);
    line.end();
    clock.now += 2000;
    poll([], 1);
    expect(drawn).toEqual(["\r2 s: waiting\x1b[K", "\r\x1b[K"]);
  });

  it("is drawn nowhere where standard error is no terminal", () => {
    const clock = { now: 0 };
    const none = new Progress(
      () => undefined,
      () => clock.now,
    );
    none.at("one");
    clock.now += 5000;
    none.at("two");
    none.end();
  });
});

describe("screenFor", () => {
  const screen: Screen = { columns: 80, draw: () => {} };
  it.each<[Record<string, string>, boolean]>([
    [{}, true],
    [{ TERM: "xterm", NO_COLOR: "1", CI: "" }, true],
    [{ TERM: "dumb" }, false],
    [{ CI: "true" }, false],
  ])("with %j a line is drawn: %s", (environment, isDrawn) => {
    const found = screenFor(
      () => screen,
      (name) => environment[name],
    );
    expect(found !== undefined).toBe(isDrawn);
  });
});
