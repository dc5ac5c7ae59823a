// Where everything stands: uplinks on the left, networks beside them, and a grid of attachments beside each network. Cells are
// found by arithmetic, so that a picture of any size costs what is seen of it.

import type { Attachment, Network, Picture, Uplink } from "./picture.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Band {
  readonly network: Network;
  /** The whole of the network. */
  readonly box: Box;
  readonly columns: number;
  readonly cellWidth: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly uplinks: readonly { readonly uplink: Uplink; readonly box: Box }[];
  readonly bands: readonly Band[];
}

export const MARGIN = 16;
const GAP = 8;
export const UPLINK_WIDTH = 210;
export const NETWORK = { x: 300, width: 260, height: 150 } as const;
const GRID_X = 600;
const CELL = { least: 220, height: 82 } as const;
const LEAST_WIDTH = 860;
const PITCH = CELL.height + GAP;

/** Lays a picture out for this width in pixels; it is wider where it must. */
export function layOut(picture: Picture, given: number): Layout {
  const width = Math.max(LEAST_WIDTH, Math.floor(given));
  const gridWidth = width - GRID_X - MARGIN;
  const columns = Math.max(1, Math.floor((gridWidth + GAP) / (CELL.least + GAP)));
  const cellWidth = (gridWidth + GAP) / columns - GAP;
  let y = MARGIN;
  const bands = picture.networks.map((network): Band => {
    const rows = Math.ceil(network.attachments.length / columns);
    const height = Math.max(NETWORK.height, rows * PITCH - GAP) + 2 * MARGIN;
    const box = { x: NETWORK.x - MARGIN, y, width: width - NETWORK.x, height };
    y += height + MARGIN;
    return { network, box, columns, cellWidth };
  });
  let top = MARGIN;
  const uplinks = picture.uplinks.map((uplink) => {
    const lines = uplink.addresses[4].length + uplink.addresses[6].length + Object.keys(uplink.gateways).length;
    const box = { x: MARGIN, y: top, width: UPLINK_WIDTH, height: 44 + 18 * lines };
    top += box.height + MARGIN;
    return { uplink, box };
  });
  return { width, height: Math.max(y, top, 120), uplinks, bands };
}

/** What is seen, in the picture's own pixels. */
export interface View {
  readonly top: number;
  readonly bottom: number;
}

export interface Cell {
  readonly attachment: Attachment;
  /** Its number in the network, from 0. */
  readonly index: number;
  readonly box: Box;
}

/** The attachments of a network that are seen, in whole rows. */
export function cellsIn({ network, box, columns, cellWidth }: Band, { top, bottom }: View): Cell[] {
  const first = Math.max(0, Math.floor((top - box.y - MARGIN) / PITCH)) * columns;
  const last = Math.max(0, Math.ceil((bottom - box.y - MARGIN) / PITCH)) * columns;
  return network.attachments.slice(first, last).map((attachment, at) => {
    const index = first + at;
    const x = GRID_X + (index % columns) * (cellWidth + GAP);
    const y = box.y + MARGIN + Math.floor(index / columns) * PITCH;
    return { attachment, index, box: { x, y, width: cellWidth, height: CELL.height } };
  });
}

/** Where a network's own box is: at the top of what is seen of the network. */
export function headingOf({ box }: Band, { top }: View): Box {
  const lowest = box.y + box.height - NETWORK.height - MARGIN;
  const y = Math.min(Math.max(box.y + MARGIN, top + MARGIN), lowest);
  return { x: NETWORK.x, y, width: NETWORK.width, height: NETWORK.height };
}

/** Where an attachment stands, from the top; undefined where the picture does not have it. */
export function topOf(layout: Layout, key: string): number | undefined {
  for (const { network, box, columns } of layout.bands) {
    const index = network.attachments.findIndex((one) => one.key === key);
    if (index >= 0) return box.y + MARGIN + Math.floor(index / columns) * PITCH;
  }
  return undefined;
}
