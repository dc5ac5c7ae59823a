// What the pages of the documentation say is done, page by page, on a node of its own: commands run, what they print is what the
// page shows, and lists attach a container. Pages about runtimes that can be had are run by test/runtimes.

import { mkdirSync, rmSync } from "node:fs";
import { afterEach, beforeAll, expect, it } from "vitest";
import { blocksOf, readDocPages } from "../../tools/doc-pages.ts";
import { peerDirectory } from "../support/differential.ts";
import { run } from "../support/netns.ts";
import { coverDirectories, isShown, runPage } from "../support/page-session.ts";
import { attachAndDetach } from "./attach.ts";
import { becomeNode, cleanNode } from "./masquerade/node.ts";

const TEST = "test/e2e/doc-pages.test.ts";
const PAGES = readDocPages().filter((page) => blocksOf(page).some(({ test }) => test === TEST));

/** A page's commands find what it puts into /usr/local/bin; `$UPSTREAM` has the executables of containernetworking/plugins. */
const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/local/bin`, UPSTREAM: peerDirectory() };

beforeAll(() => {
  becomeNode();
  coverDirectories();
});

// A page finds a node that no other page has been on.
afterEach(() => {
  for (const name of run("ip", "netns", "list").match(/^\S+/gm) ?? []) {
    if (name !== "outside") run("ip", "netns", "delete", name);
  }
  cleanNode(["/etc/cni", "/opt/cni", "/etc/bauta", "/usr/local/bin/bauta"]);
  mkdirSync("/etc/cni/net.d", { recursive: true });
  rmSync("/run/cni", { recursive: true, force: true });
});

it("there are pages to follow", () => {
  expect(PAGES.length).toBeGreaterThan(8);
});

it("an output counts as shown where all of it is on the page, or stands behind …", () => {
  const printed = "one 1\ntwo 2\r\nthree 3";
  for (const page of [["one 1", "two 2…", "three 3"], ["…"], ["one …", "…"], ["…", "three 3"], ["one 1", "…", "t…3"]]) {
    expect([page, isShown(page, printed)]).toEqual([page, true]);
  }
  for (const page of [[], ["one 1"], ["one 2", "…"], ["…", "two 2…"], ["one 1", "two 2…", "three 3", "four 4"]]) {
    expect([page, isShown(page, printed)]).toEqual([page, false]);
  }
  expect([isShown([], ""), isShown(["x"], ""), isShown(["…"], "")]).toEqual([true, false, true]);
});

it.each(PAGES.map(({ path }) => path))("%s can be followed", async (path) => {
  await runPage(path, TEST, { env, runList: ({ at, text }) => attachAndDetach(at, JSON.parse(text)) });
});
