// The picture in the page: of it only what is seen is made. Arrow keys go from attachment to attachment.

import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { layOut, topOf } from "../model/layout.ts";
import type { Picture } from "../model/picture.ts";
import { PictureView } from "../picture/picture.tsx";

interface SceneProps {
  readonly picture: Picture;
  readonly selected: string | undefined;
  readonly onSelect: (key: string | undefined) => void;
}

/** How far beyond the edge there is a picture already. */
const AROUND = 200;
/** The view is counted in steps, so that not each pixel of scrolling draws. */
const STEP = 100;

export function Scene({ picture, selected, onSelect }: SceneProps): VNode {
  const frame = useRef<HTMLElement>(null);
  const [size, setSize] = useState({ width: 1200, height: 700 });
  const [top, setTop] = useState(0);
  const [current, setCurrent] = useState<string>();
  const wantsFocus = useRef(false);
  useEffect(() => {
    const { current: element } = frame;
    if (element === null) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const layout = useMemo(() => layOut(picture, size.width), [picture, size.width]);
  const order = useMemo(() => layout.bands.flatMap(({ network }) => network.attachments), [layout]);
  const at = Math.max(
    0,
    order.findIndex(({ key }) => key === current),
  );
  const focusable = order[at]?.key;
  // A cell that has just been scrolled to is there after this.
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    const cell = [...(frame.current?.querySelectorAll<SVGElement>(".cell") ?? [])].find(
      ({ dataset }) => dataset["key"] === current,
    );
    if (cell === undefined) return;
    wantsFocus.current = false;
    cell.focus({ preventScroll: true });
  });
  const go = (index: number): void => {
    const { current: element } = frame;
    const key = order[Math.min(Math.max(0, index), order.length - 1)]?.key;
    if (key === undefined || element === null) return;
    const y = topOf(layout, key) ?? 0;
    if (y < element.scrollTop || y + 100 > element.scrollTop + element.clientHeight) {
      element.scrollTop = y - element.clientHeight / 2;
      setTop(element.scrollTop);
    }
    wantsFocus.current = true;
    setCurrent(key);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const columns = layout.bands.find(({ network }) =>
      network.attachments.some(({ key }) => key === focusable),
    )?.columns;
    const step = STEPS.get(event.key)?.(columns ?? 1, order.length);
    if (step !== undefined) go(at + step);
    else if (event.key === "Enter" || event.key === " ") onSelect(focusable);
    else if (event.key === "Escape") onSelect(undefined);
    else return;
    event.preventDefault();
  };
  const onClick = (event: MouseEvent): void => {
    const cell = event.target instanceof Element ? event.target.closest<SVGElement>(".cell") : null;
    const key = cell?.dataset["key"];
    if (key === undefined) return;
    setCurrent(key);
    onSelect(key);
  };
  const from = Math.min(Math.floor(top / STEP) * STEP, Math.max(0, layout.height - size.height));
  const height = size.height + STEP + AROUND;
  return (
    <section ref={frame} class="scene" aria-label="The node" onScroll={() => setTop(frame.current?.scrollTop ?? 0)}>
      {/* The field is as high as the picture, the SVG as high as what is seen: a browser paints all of an SVG again. */}
      <div class="field" style={{ width: `${layout.width}px`, height: `${layout.height}px` }}>
        <svg
          style={{ top: `${from}px` }}
          width={layout.width}
          height={Math.min(height, layout.height - from)}
          viewBox={`0 ${from} ${layout.width} ${Math.min(height, layout.height - from)}`}
          onKeyDown={onKeyDown}
          onClick={onClick}
        >
          <title>The node: uplinks, networks and attachments</title>
          <PictureView
            layout={layout}
            view={{ top: from, bottom: from + height }}
            selected={selected}
            current={focusable}
          />
        </svg>
      </div>
      {picture.networks.length === 0 ? <p class="empty">No attachments</p> : null}
    </section>
  );
}

/** How far a key goes, in attachments. */
const STEPS = new Map<string, (columns: number, count: number) => number>([
  ["ArrowLeft", () => -1],
  ["ArrowRight", () => 1],
  ["ArrowUp", (columns) => -columns],
  ["ArrowDown", (columns) => columns],
  ["PageUp", (columns) => -5 * columns],
  ["PageDown", (columns) => 5 * columns],
  ["Home", (_, count) => -count],
  ["End", (_, count) => count],
]);
