import { expect, it } from "vitest";
import { graphOf } from "../picture/graph.tsx";
import { cellsIn, headingOf, layOut, topOf } from "./layout.ts";
import { type Picture, pictureOf } from "./picture.ts";
import { type ListedAttachment, NO_NODE } from "./reports.ts";

function many(count: number, container = (n: number): string => `c${n}`): Picture {
  const all = Array.from({ length: count }, (_, n): ListedAttachment => {
    const address = `10.22.${n >> 8}.${n & 255}/16`;
    const item = { address, policy: "outside-10.22.0.0/16", packets: n, bytes: 60 * n, state: "ok" };
    return { network: "lan", container: container(n), interface: "eth0", id: `${n}`, state: "ok", addresses: [item] };
  });
  return pictureOf(all, NO_NODE);
}

it("makes the cells that are seen, whole rows of them, in their order", () => {
  const layout = layOut(many(5000), 1400);
  const [band] = layout.bands;
  if (band === undefined) throw new Error("no band");
  const all = cellsIn(band, { top: 0, bottom: layout.height });
  expect(all.map(({ index }) => index)).toEqual(Array.from({ length: 5000 }, (_, n) => n));
  const seen = cellsIn(band, { top: 20_000, bottom: 20_900 });
  expect(seen.length).toBeLessThan(15 * band.columns);
  const hits = all.filter(({ box }) => box.y + box.height > 20_000 && box.y < 20_900);
  expect(seen.map(({ index }) => index)).toEqual(expect.arrayContaining(hits.map(({ index }) => index)));
});

it("keeps every cell apart from the others and inside of the network", () => {
  const layout = layOut(many(50), 1400);
  for (const band of layout.bands) {
    const cells = cellsIn(band, { top: 0, bottom: layout.height }).map(({ box }) => box);
    for (const [at, one] of cells.entries()) {
      expect(one.x + one.width).toBeLessThanOrEqual(band.box.x + band.box.width);
      expect(one.y + one.height).toBeLessThanOrEqual(band.box.y + band.box.height);
      for (const other of cells.slice(at + 1)) {
        const isApart = one.x + one.width <= other.x || one.y + one.height <= other.y || other.x + other.width <= one.x;
        expect(isApart).toBe(true);
      }
    }
  }
});

it("keeps a network's box in sight, and within the network", () => {
  const layout = layOut(many(5000), 1400);
  const [band] = layout.bands;
  if (band === undefined) throw new Error("no band");
  expect(headingOf(band, { top: 20_000, bottom: 21_000 }).y).toBe(20_016);
  const end = headingOf(band, { top: layout.height, bottom: layout.height });
  expect(end.y + end.height).toBeLessThanOrEqual(band.box.y + band.box.height);
});

it("finds where an attachment stands", () => {
  const layout = layOut(many(5000), 1400);
  const y = topOf(layout, "4999") ?? 0;
  expect(y).toBeGreaterThan(layout.height - 200);
  expect(topOf(layout, "none")).toBeUndefined();
});

it("draws a file with every attachment, and no name gets out of its text", () => {
  const svg = graphOf(
    many(3, (n) => `<script>${n}&"'`),
    1200,
  );
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(svg.match(/role="option"/g)).toHaveLength(3);
  expect(svg).not.toContain("<script");
  expect(svg).toContain("&lt;script>2&amp;");
});
