// The picture as a file of its own.

import { renderToString } from "preact-render-to-string";
import { layOut } from "../model/layout.ts";
import type { Picture } from "../model/picture.ts";
import style from "./picture.css?raw";
import { PictureView } from "./picture.tsx";

/** An SVG document of all there is, for this width in pixels. */
export function graphOf(picture: Picture, width: number): string {
  const layout = layOut(picture, width);
  const title = `${picture.attachments} attachments on ${picture.networks.length} networks`;
  return `${renderToString(
    <svg
      xmlns="http://www.w3.org/2000/svg"
      class="bauta"
      width={layout.width}
      height={layout.height}
      viewBox={`0 0 ${layout.width} ${layout.height}`}
    >
      <title>{title}</title>
      <style>{style}</style>
      <PictureView layout={layout} view={{ top: 0, bottom: layout.height }} />
    </svg>,
  )}\n`;
}
