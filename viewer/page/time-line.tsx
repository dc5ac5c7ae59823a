// Generations as they happen: what each has added above the middle of its family's lane, what it has deleted below.

import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { familyName } from "../model/picture.ts";
import { FAMILIES, type Family } from "../model/prefixes.ts";
import type { Generation } from "../model/time-line.ts";

const LANE = 60;
const LEFT = 56;
const LEAST_SPAN_MS = 60_000;
const MOST_SPAN_MS = 600_000;
const TICK_MS = 2000;
const LISTED = 60;
const WIDTH = 6;

export function TimeLineView({ generations }: { generations: readonly Generation[] }): VNode {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(900);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const { current: element } = frame;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, TICK_MS);
    return () => {
      observer.disconnect();
      clearInterval(timer);
    };
  }, []);
  const losses = useMemo(() => generations.filter((one) => one.losses.length > 0), [generations]);
  const listed = generations.slice(-LISTED).reverse();
  const [oldest] = generations;
  const end = Math.max(now, generations.at(-1)?.at ?? 0);
  const span = Math.min(MOST_SPAN_MS, Math.max(LEAST_SPAN_MS, end - (oldest?.at ?? end) + 5000));
  const xOf = (at: number): number => LEFT + ((at - end + span) / span) * (width - LEFT - 24);
  const seen = generations.filter(({ at }) => at >= end - span);
  return (
    <section class="time-line" aria-label="Generations of nf_tables">
      <div role="alert">
        {losses.slice(-3).map((one) =>
          one.losses.map((loss) => (
            <p key={`${one.id} ${loss.who}`} class="loss">
              ✕ {timeOf(one.at)}: <strong>{familyName(loss.family)}</strong> of <strong>{loss.who}</strong> went in
              generation {one.number}, by {loss.by}; {familyName(loss.family === 4 ? 6 : 4)} stays
            </p>
          )),
        )}
      </div>
      <div ref={frame} class="lanes" aria-hidden="true">
        <svg width={width} height={2 * LANE + 22}>
          <title>Generations of both families</title>
          {FAMILIES.map((family, lane) => (
            <g key={family}>
              <line class="axis" x1={LEFT} x2={width - 24} y1={middleOf(lane)} y2={middleOf(lane)} />
              <text class={`strong v${family}`} x={8} y={middleOf(lane) + 4}>
                {familyName(family)}
              </text>
              {seen.map((one) => (
                <Mark key={one.id} generation={one} family={family} x={xOf(one.at)} middle={middleOf(lane)} />
              ))}
            </g>
          ))}
          {[0, 1, 2, 3, 4].map((part) => {
            const at = end - span + (span * part) / 4;
            return (
              <text key={part} class="dim tick" x={xOf(at)} y={2 * LANE + 18}>
                {timeOf(at)}
              </text>
            );
          })}
        </svg>
      </div>
      <ol>
        {listed.map((one) => (
          <li key={one.id} class={one.losses.length > 0 ? "lost" : ""}>
            <details>
              <summary>
                {one.losses.map(({ family, who }) => (
                  <strong key={who}>
                    ✕ {familyName(family)} of {who} lost{" "}
                  </strong>
                ))}
                generation {one.number} at {timeOf(one.at)} by {one.by}: {summaryOf(one)}
              </summary>
              <pre>
                {one.texts.join("\n")}
                {one.more > 0 ? `\n… and ${one.more} more` : ""}
              </pre>
            </details>
          </li>
        ))}
      </ol>
      {listed.length === 0 ? <p class="empty">No generation since bauta-viewer began</p> : null}
    </section>
  );
}

const middleOf = (lane: number): number => LANE * lane + LANE / 2;

interface MarkProps {
  readonly generation: Generation;
  readonly family: Family;
  readonly x: number;
  readonly middle: number;
}

function Mark({ generation, family, x, middle }: MarkProps): VNode | null {
  const added = heightOf(generation.added[family]);
  const deleted = heightOf(generation.deleted[family]);
  const isLost = generation.losses.some((loss) => loss.family === family);
  if (added + deleted === 0) return null;
  return (
    <g>
      {isLost ? (
        <rect class="loss-back" x={x - 6} y={middle - LANE / 2 + 1} width={WIDTH + 12} height={LANE - 2} rx={4} />
      ) : null}
      <rect class={`v${family}`} x={x} y={middle - added} width={WIDTH} height={added} />
      <rect class={isLost ? "deleted lost" : "deleted"} x={x} y={middle} width={WIDTH} height={deleted} />
      {isLost ? (
        <text class="bad tick" x={x + WIDTH / 2} y={middle - 8}>
          ✕
        </text>
      ) : null}
    </g>
  );
}

/** The logarithm: one rule is seen beside a thousand. */
const heightOf = (count: number): number => (count === 0 ? 0 : Math.min(LANE / 2 - 2, 10 + 3 * Math.log2(count)));

function summaryOf({ added, deleted, others }: Generation): string {
  const parts = FAMILIES.flatMap((family) => {
    const plus = added[family] > 0 ? ` +${added[family]}` : "";
    const minus = deleted[family] > 0 ? ` −${deleted[family]}` : "";
    return plus + minus === "" ? [] : [`${familyName(family)}${plus}${minus}`];
  });
  if (others > 0) parts.push(`${others} without an address`);
  return parts.join(", ");
}

const FORMAT = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const timeOf = (at: number): string => FORMAT.format(at);
