import { transformSync } from "esbuild";
import { describe, expect, it } from "vitest";
import { absentFeatures, LOWERED, MARKED_GLOBALS } from "./absent.mjs";

const absentIn = (code: string): string[] =>
  absentFeatures(transformSync(code, { define: MARKED_GLOBALS, supported: LOWERED }).code);

describe("the search for what the engine leaves out", () => {
  it.each([
    ["new Date()", ["Date"]],
    ["x = () => Date.now()", ["Date"]],
    ["console.log(process.argv)", ["console", "process"]],
    ["async function f() { await g(); }", ["async functions"]],
    ["['b', 'a'].sort((a, b) => a.localeCompare(b))", ["localeCompare"]],
    ["'é'.normalize()", ["normalize"]],
    ["x = Math.random()", ["random"]],
    ["eval('1')", ["eval"]],
    ["x instanceof Promise", ["Promise"]],
  ])("finds it in %s", (code, features) => {
    expect(absentIn(code)).toEqual(features);
  });

  it.each([
    "class Date {} new Date()",
    "// src/process.ts, new Promise\nx = 'Date.now()'",
    "x = y.process.console",
    "x = typeof Buffer !== 'undefined'",
    "new Map([[1n, /a/u]]).get(JSON.parse('1'))",
  ])("lets %s pass", (code) => {
    expect(absentIn(code)).toEqual([]);
  });
});
