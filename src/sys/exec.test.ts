import { expect, it } from "vitest";
import { becomeProgram } from "./exec.ts";

// That it becomes the program is in test/e2e/viewer.test.ts: here the program would take the place of the tests.
it("says which program cannot be run", () => {
  expect(() => becomeProgram("/nowhere/program", ["program", "a"], ["PATH=/"])).toThrow(
    "cannot run /nowhere/program: ENOENT: No such file or directory (execve)",
  );
});
