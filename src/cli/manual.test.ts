import { execFileSync, spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { cli } from "../../test/support/cli.ts";
import { VERBS } from "./verbs.ts";

/** A letter, and a step back over it: the letter that follows is bold or underlined. */
const BOLD = /.[\b]/g;

const page = (): string => cli(["manual"]).stdout;

/** The page as a terminal shows it, without bold and underlined letters. */
const shown = (): string =>
  execFileSync("mandoc", ["-T", "utf8", "-O", "width=200"], { input: page(), encoding: "utf8" }).replaceAll(BOLD, "");

it("has nothing that mandoc would warn of, but that it has no date", () => {
  const { stdout } = spawnSync("mandoc", ["-T", "lint", "-W", "warning"], { input: page(), encoding: "utf8" });
  expect(stdout.trim()).toMatch(/^mandoc: <stdin>:1:.*WARNING: missing date, using "": TH$/);
});

it("has all of the help of each command", () => {
  const words = (text: string): string => text.replace(/\s+/g, " ");
  const all = words(shown());
  for (const { name, summary, about, options } of VERBS) {
    expect(all).toContain(`bauta ${name}`);
    expect(all).toContain(words(summary));
    for (const paragraph of about.trim().split(/\n\n+/)) expect(all).toContain(words(paragraph).trim());
    for (const [option, { about: said }] of Object.entries(options)) {
      expect(all).toContain(`--${option}`);
      expect(all).toContain(words(said));
    }
  }
});
