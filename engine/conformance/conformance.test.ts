// The engine functions under Node, the twin's side; ../executable.test.ts has the other.

import { describe, it } from "vitest";
import { CHECKS } from "./all.ts";
import { VALUE, VARIABLE } from "./check.ts";

process.env[VARIABLE] = VALUE;

describe("the engine functions under Node", () => {
  for (const { name, run } of CHECKS) it(name, run);
});
