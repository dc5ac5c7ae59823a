// What the server has told, and the picture of it.

import { type Attachment, attachmentOf, type Picture, pictureOf } from "../model/picture.ts";
import { keyOf, type ListedAttachment, NO_NODE, type NodeReport } from "../model/reports.ts";
import type { Generation } from "../model/time-line.ts";

export interface State {
  readonly picture: Picture;
  readonly generations: readonly Generation[];
  /** Why nothing new comes; empty while it does. */
  readonly trouble: string;
  /** Whether the first answer is there. */
  readonly isThere: boolean;
}

const KEPT = 500;
const NO_CONNECTION = "The connection to bauta-viewer is gone: what is shown is how it was then";

/** Listens to the server, and calls `changed` with each new state. Returns what ends it. */
export function listen(changed: (state: State) => void): () => void {
  let listed = new Map<string, ListedAttachment>();
  let node: NodeReport = NO_NODE;
  let generations = new Map<number, Generation>();
  let trouble = "";
  let isConnected = true;
  let picture = pictureOf([], NO_NODE);
  let isThere = false;
  let isPlanned = false;
  const made = new WeakMap<ListedAttachment, Attachment>();
  const makeOnce = (one: ListedAttachment): Attachment => {
    const attachment = made.get(one) ?? attachmentOf(one);
    made.set(one, attachment);
    return attachment;
  };
  const draw = (): void => {
    picture = pictureOf([...listed.values()], node, makeOnce);
    plan();
  };
  /** Several events that come together are drawn once. */
  const plan = (): void => {
    if (isPlanned) return;
    isPlanned = true;
    setTimeout(() => {
      isPlanned = false;
      const shown = [...generations.values()].slice(-KEPT);
      changed({ picture, generations: shown, trouble: isConnected ? trouble : NO_CONNECTION, isThere });
    });
  };

  /** The rest of the whole waits until what is in sight has been painted, or until something else comes. */
  let rest: string | undefined;
  const takeRest = (): void => {
    if (rest === undefined) return;
    for (const one of JSON.parse(rest) as ListedAttachment[]) listed.set(keyOf(one), one);
    rest = undefined;
    isThere = true;
    draw();
  };

  const source = new EventSource("./events");
  source.addEventListener("rest", (event) => {
    rest = (event as MessageEvent<string>).data;
    requestAnimationFrame(() => setTimeout(takeRest));
    // No frame comes while the page is hidden.
    setTimeout(takeRest, 500);
  });
  // biome-ignore lint/suspicious/noExplicitAny: the server is of the same release
  const on = (name: string, take: (data: any) => void): void =>
    source.addEventListener(name, (event) => {
      isConnected = true;
      takeRest();
      take(JSON.parse((event as MessageEvent<string>).data));
    });
  on("whole", (whole) => {
    listed = new Map(whole.attachments.map((one: ListedAttachment) => [keyOf(one), one]));
    generations = new Map(whole.generations.map((one: Generation) => [one.id, one]));
    ({ node, trouble } = whole);
    draw();
  });
  on("attachments", ({ changed: some, removed }) => {
    for (const key of removed) listed.delete(key);
    let isSorted = true;
    for (const one of some) {
      isSorted &&= listed.has(keyOf(one));
      listed.set(keyOf(one), one);
    }
    // The whole comes in order.
    if (!isSorted) listed = new Map([...listed].sort(([, a], [, b]) => inOrder(a, b)));
    draw();
  });
  on("node", (given) => {
    node = given;
    draw();
  });
  on("generations", (some: readonly Generation[]) => {
    for (const one of some) generations.set(one.id, one);
    plan();
  });
  on("trouble", (text) => {
    trouble = text;
    plan();
  });
  source.addEventListener("error", () => {
    isConnected = false;
    plan();
  });
  return () => source.close();
}

function inOrder(a: ListedAttachment, b: ListedAttachment): number {
  return compare(a.network, b.network) || compare(a.container, b.container) || compare(a.interface, b.interface);
}

/** What nobody can name comes last. */
function compare(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  return a < b ? -1 : 1;
}
