// Runs the tests of one file inside a guest with vitest's own runner. vitest itself, with its server and its workers,
// would take an emulated processor minutes.

import "./engine.ts";
import { type Suite, startTests, type Test, type VitestRunnerConfig } from "@vitest/runner";
import { TEST_PATIENCE_MS } from "../../../engine/patience.mjs";
import { type TestOutcome, writeReport } from "./report.ts";

/** The configuration that vitest would give a worker. */
const CONFIG: VitestRunnerConfig = {
  root: "/",
  setupFiles: [],
  name: undefined,
  passWithNoTests: false,
  testNamePattern: undefined,
  allowOnly: false,
  sequence: { seed: 1, hooks: "stack", setupFiles: "list" },
  chaiConfig: undefined,
  maxConcurrency: 1,
  testTimeout: TEST_PATIENCE_MS,
  hookTimeout: TEST_PATIENCE_MS,
  retry: 0,
  includeTaskLocation: false,
  tags: [],
  tagsFilter: undefined,
  strictTags: false,
};

/** Runs those tests of the file that `load` loads whose names match, and ends this process. */
export async function runTests(name: string, pattern: string | null, load: () => Promise<unknown>): Promise<void> {
  const testNamePattern = pattern === null ? undefined : new RegExp(pattern);
  const runner = { config: { ...CONFIG, testNamePattern }, pool: "forks", importFile: load };
  const [file] = await startTests([`/bauta/${name}`], runner);
  if (file === undefined) throw new Error(`${name} is no test file`);
  const message = (file.result?.errors ?? []).map(textOf).join("\n");
  const assertionResults = outcomesOf(file).filter(({ fullName }) => testNamePattern?.test(fullName) ?? true);
  writeReport({ name, message, assertionResults });
  process.exit(0); // also where a test has left something running
}

function outcomesOf(suite: Suite, names: readonly string[] = []): TestOutcome[] {
  return suite.tasks.flatMap((task) => {
    const path = [...names, task.name];
    return task.type === "suite" ? outcomesOf(task, path) : [outcomeOf(task, path.join(" "))];
  });
}

function outcomeOf({ result }: Test, fullName: string): TestOutcome {
  const status = result?.state === "pass" ? "passed" : result?.state === "fail" ? "failed" : "skipped";
  const failureMessages = (result?.errors ?? []).map(textOf);
  return { fullName, status, duration: Math.round(result?.duration ?? 0), failureMessages };
}

function textOf({ message, stack, diff }: { message: string; stack?: string; diff?: string }): string {
  return [stack ?? message, diff].filter((part) => part !== undefined).join("\n");
}
