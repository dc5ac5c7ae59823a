// The picture as SVG: the same in the page and in the file of `bauta graph`.

import type { VNode } from "preact";
import { type Band, type Box, type Cell, cellsIn, headingOf, type Layout, type View } from "../model/layout.ts";
import { type Attachment, type FamilySide, familyName, type Network, type Uplink } from "../model/picture.ts";
import { FAMILIES, type Family } from "../model/prefixes.ts";

export interface PictureProps {
  readonly layout: Layout;
  readonly view: View;
  /** The attachment that is told about in the page, and the one that the Tab key leads to. */
  readonly selected?: string | undefined;
  readonly current?: string | undefined;
}

/** What is seen of a picture. Cells have the attachment's key as `data-key`. */
export function PictureView({ layout, view, selected, current }: PictureProps): VNode {
  const seen = layout.bands.filter(({ box }) => box.y < view.bottom && box.y + box.height > view.top);
  return (
    <g>
      <rect class="ground" width={layout.width} height={layout.height} />
      {seen.map((band) => (
        <Ways key={`ways ${band.network.name}`} band={band} layout={layout} view={view} />
      ))}
      {layout.uplinks.map(({ uplink, box }) => (
        <UplinkBox key={uplink.name} uplink={uplink} box={{ ...box, y: box.y + shiftOf(layout, view) }} />
      ))}
      {seen.map((band) => (
        <g key={band.network.name} role="group" aria-label={networkLabel(band.network)}>
          <rect class="band" {...band.box} rx={12} />
          <NetworkBox network={band.network} box={headingOf(band, view)} />
          <g role="listbox" aria-label={`attachments of ${band.network.name}`}>
            {cellsIn(band, view).map((cell) => (
              <CellBox
                key={cell.attachment.key}
                cell={cell}
                count={band.network.attachments.length}
                isSelected={cell.attachment.key === selected}
                isCurrent={cell.attachment.key === current}
              />
            ))}
          </g>
        </g>
      ))}
    </g>
  );
}

/** Uplinks stay in sight. */
const shiftOf = ({ uplinks, height }: Layout, { top }: View): number => {
  const last = uplinks.at(-1)?.box;
  return last === undefined ? 0 : Math.max(0, Math.min(top, height - last.y - last.height - 16));
};

/** The way out of a network, a line a family; broken where some attachments are not masqueraded in it. */
function Ways({ band, layout, view }: { band: Band; layout: Layout; view: View }): VNode {
  const heading = headingOf(band, view);
  return (
    <g aria-hidden="true">
      {FAMILIES.map((family) => {
        const side = band.network.families[family];
        const from = layout.uplinks.find(({ uplink }) => uplink.name === side?.uplink)?.box;
        if (side === undefined || from === undefined) return null;
        const y = heading.y + (family === 4 ? 62 : 102);
        const start = from.y + shiftOf(layout, view) + (family === 4 ? 16 : 30);
        const x = from.x + from.width;
        const middle = (x + heading.x) / 2;
        const path = `M ${x} ${start} C ${middle} ${start} ${middle} ${y} ${heading.x} ${y}`;
        return <path key={family} class={`way v${family}${side.lost > 0 ? " lost" : ""}`} d={path} />;
      })}
      <path class="way band" d={`M ${heading.x + heading.width} ${heading.y + 75} h 30`} />
    </g>
  );
}

function UplinkBox({ uplink, box }: { uplink: Uplink; box: Box }): VNode {
  const lines = FAMILIES.flatMap((family) => [
    ...uplink.addresses[family].map((address) => ({ family, text: address })),
    ...(uplink.gateways[family] === undefined ? [] : [{ family, text: `via ${uplink.gateways[family]}` }]),
  ]);
  const label = `uplink ${uplink.name}${uplink.isUp ? "" : ", down"}: ${lines.map(({ text }) => text).join(", ")}`;
  return (
    <g role="img" aria-label={label} class={uplink.isUp ? "" : "broken"}>
      <rect class="card" {...box} rx={8} />
      <text class="strong" x={box.x + 12} y={box.y + 23}>
        {short(uplink.name, 18)}
        {uplink.isUp ? "" : " (down)"}
      </text>
      {lines.map(({ family, text }, at) => (
        <text key={text} class={`v${family}`} x={box.x + 12} y={box.y + 46 + 18 * at}>
          {short(text, 28)}
        </text>
      ))}
    </g>
  );
}

const networkLabel = ({ name, how, attachments, ill }: Network): string =>
  `network ${name}, ${how}, ${attachments.length} attachments${ill > 0 ? `, ${ill} with a fault` : ""}`;

function NetworkBox({ network, box }: { network: Network; box: Box }): VNode {
  const x = box.x + 12;
  return (
    <g class={network.ill > 0 ? "broken" : ""}>
      <rect class="card" {...box} rx={8} />
      <text class="strong" x={x} y={box.y + 23}>
        {short(network.name, 32)}
      </text>
      <text class="dim" x={x} y={box.y + 41}>
        {short(network.how, 36)}
      </text>
      {FAMILIES.map((family) => {
        const side = network.families[family];
        const y = box.y + (family === 4 ? 62 : 102);
        if (side === undefined) return null;
        const as = side.as === undefined ? "no default route" : `leaves as ${side.as}`;
        const lost = side.lost > 0 ? `✕ ${side.lost} not masqueraded` : as;
        return (
          <g key={family}>
            <text class={`v${family} strong`} x={x} y={y + 4}>
              {short(`${familyName(family)} ${policyText(side.policies)}`, 33)}
            </text>
            <text class={side.lost > 0 ? "bad" : "dim"} x={x} y={y + 20}>
              {short(lost, 26)}
            </text>
            <text class="dim number" x={box.x + box.width - 12} y={y + 20}>
              {side.flows} flows
            </text>
          </g>
        );
      })}
      <text class={network.ill > 0 ? "bad" : "dim"} x={x} y={box.y + box.height - 9}>
        {network.attachments.length} attached{network.ill > 0 ? `, ${network.ill} with a fault` : ""}
      </text>
    </g>
  );
}

/** The subnet that a chain's name tells, `outside-10.1.0.0/16`; chains of IPv6 have "-" for ":". */
function policyText([first = "", ...more]: readonly string[]): string {
  const subnet = /^outside-([0-9a-f.:-]+\/\d+)$/.exec(first)?.[1];
  const text = subnet === undefined ? first : /\./.test(subnet) ? subnet : subnet.replaceAll("-", ":");
  return more.length === 0 ? text : `${text} +${more.length}`;
}

interface CellProps {
  readonly cell: Cell;
  readonly count: number;
  readonly isSelected: boolean;
  readonly isCurrent: boolean;
}

function CellBox({ cell: { attachment, box, index }, count, isSelected, isCurrent }: CellProps): VNode {
  const { container, ifname, sides, ports, health, fault } = attachment;
  const letters = Math.floor(box.width / 7.4);
  const shown = ports.slice(0, 2).map(({ text }) => text);
  const more = ports.length > 2 ? ` +${ports.length - 2}` : "";
  return (
    <g
      role="option"
      class={`cell ${health}`}
      data-key={attachment.key}
      tabindex={isCurrent ? 0 : -1}
      aria-selected={isSelected}
      aria-setsize={count}
      aria-posinset={index + 1}
      aria-label={labelOf(attachment)}
    >
      <title>{fault === "" ? container : `${container}: ${fault}`}</title>
      <rect class="card" {...box} rx={6} />
      <text class={health === "ok" ? "strong" : "strong bad"} x={box.x + 10} y={box.y + 19}>
        {health === "ok" ? "" : "✕ "}
        {short(container, letters - 10)}
      </text>
      <text class="dim number" x={box.x + box.width - 10} y={box.y + 19}>
        {short(ifname, 8)}
      </text>
      {FAMILIES.map((family, at) => (
        <SideLine
          key={family}
          side={sides[family]}
          family={family}
          box={box}
          y={box.y + 38 + 17 * at}
          letters={letters}
        />
      ))}
      <text class="dim" x={box.x + 10} y={box.y + 73}>
        {short(shown.length === 0 ? "" : `port ${shown.join(", ")}${more}`, letters)}
      </text>
    </g>
  );
}

interface SideProps {
  readonly side: FamilySide | undefined;
  readonly family: Family;
  readonly box: Box;
  readonly y: number;
  readonly letters: number;
}

function SideLine({ side, family, box, y, letters }: SideProps): VNode | null {
  if (side === undefined) return null;
  const [address = ""] = side.addresses;
  const isWell = side.state === "ok";
  return (
    <>
      <text class={isWell ? `v${family}` : "bad"} x={box.x + 10} y={y}>
        {isWell ? "" : "✕ "}
        {short(address.replace(/\/\d+$/, ""), letters - 10)}
      </text>
      <text class={isWell ? "dim number" : "bad number"} x={box.x + box.width - 10} y={y}>
        {isWell ? side.flows : side.state}
      </text>
    </>
  );
}

/** What a screen reader says of an attachment. */
export function labelOf({ container, ifname, sides, ports, fault }: Attachment): string {
  const parts = FAMILIES.flatMap((family) => {
    const side = sides[family];
    if (side === undefined) return [];
    const flows = side.flows === undefined ? "" : `, ${side.flows} flows`;
    return [`${familyName(family)} ${side.addresses.join(" and ")}${flows}`];
  });
  const published = ports.length === 0 ? [] : [`ports ${ports.map(({ text }) => text).join(", ")}`];
  return [...(fault === "" ? [] : [`fault: ${fault}`]), `${container} ${ifname}`, ...parts, ...published].join("; ");
}

/** At most so many letters; what is cut ends in "…". */
export function short(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
}
