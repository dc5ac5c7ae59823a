// Registers the walks as tests: a node of its own for each scenario, a test for each verb and for each kind of mishap.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Commanded, commandWalks } from "./command-walks.ts";
import { hasModule, makePlace } from "./place.ts";
import { Attaching, walksOf } from "./plugin-walks.ts";
import { SCENARIOS } from "./scenarios.ts";
import { type Choice, type Section, type Walk, type Walked, walk } from "./walk.ts";

const TITLES: Readonly<Record<Section, string>> = {
  kill: "killed before each system call",
  fail: "each system call failing once",
};

/** A walk that is registered. */
export interface Registered {
  readonly scenario: string;
  readonly name: string;
  readonly section: Section;
}

export interface Registering {
  readonly choice: Choice;
  /** Whether the walk of this title is wanted. */
  readonly isWanted: (title: string) => boolean;
  /** Keeps what has come of a walk. */
  readonly keep?: (walked: Registered, outcome: Walked) => void;
}

/** The names of scenarios that this kernel can't run, with the module that each takes. */
export const NOT_HERE: readonly string[] = SCENARIOS.flatMap(({ name, module }) =>
  module === undefined || hasModule(module) ? [] : [`${name} (${module})`],
);

/** Registers the walks, and returns all that there are, wanted or not. Those that this kernel can't run are told by name. */
export function registerWalks(registering: Registering): readonly Registered[] {
  if (NOT_HERE.length > 0) process.stdout.write(`not on this kernel: ${NOT_HERE.join(", ")}\n`);
  const here = SCENARIOS.filter(({ name }) => !NOT_HERE.some((one) => one.startsWith(`${name} (`)));
  const plugins = here.flatMap((scenario) => {
    let attaching: Attaching | undefined;
    const make = (): void => {
      makePlace();
      attaching = new Attaching(scenario);
    };
    const walks = walksOf(scenario, () => attaching ?? fail());
    return registerScenario(scenario.name, walks, make, () => attaching?.end(), registering);
  });
  let commanded: Commanded | undefined;
  const make = (): void => {
    makePlace();
    commanded = new Commanded();
  };
  const walks = commandWalks(() => commanded ?? fail());
  return [...plugins, ...registerScenario("the bauta command", walks, make, () => {}, registering)];
}

function fail(): never {
  throw new Error("the node is made before all tests");
}

function registerScenario(
  scenario: string,
  walks: readonly Walk[],
  make: () => void,
  end: () => void,
  { choice, isWanted, keep }: Registering,
): Registered[] {
  const all = walks.flatMap((one) =>
    (one.sections ?? (["kill", "fail"] as const)).map((section) => ({ one, scenario, name: one.name, section })),
  );
  const titleOf = ({ name, section }: Registered): string => `${name}, ${TITLES[section]}`;
  const wanted = all.filter((registered) => isWanted(titleOf(registered)));
  if (wanted.length > 0) {
    describe(scenario, () => {
      beforeAll(make);
      afterAll(end);
      for (const { one, ...registered } of wanted) {
        it(titleOf(registered), () => {
          const outcome = walk(one, registered.section, choice);
          keep?.(registered, outcome);
          expect(outcome.points).toBeGreaterThan(0);
          expect(outcome.faults).toEqual([]);
        });
      }
    });
  }
  return all.map(({ one: _, ...registered }) => registered);
}
