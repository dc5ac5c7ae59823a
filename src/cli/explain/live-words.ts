// What a real packet did, in words and for programs.

import { verdictText } from "../../nftables/data.ts";
import { familyName } from "../../nftables/message.ts";
import { NFT_TRACETYPE, type TraceEvent } from "../../nftables/trace.ts";
import { NF } from "../../nftables/uapi.ts";
import { formatIp } from "../../wire/ip.ts";
import type { Style } from "../terminal-text.ts";
import { type LiveTrace, TRACE_TABLE } from "./live.ts";

/** What it went through but our own marks. */
const seen = ({ events }: LiveTrace): readonly TraceEvent[] => events.filter(({ table }) => table !== TRACE_TABLE);

function stepText({ family, table, chain, type, handle, verdict, policy }: TraceEvent): string {
  const where = `${familyName(family)} ${table} ${chain}`;
  if (type === NFT_TRACETYPE.POLICY) return `${where}: policy ${policy === NF.DROP ? "drop" : "accept"}`;
  const then = verdict === undefined ? "goes on" : verdictText(verdict);
  return type === NFT_TRACETYPE.RULE ? `${where}: rule ${handle}: ${then}` : `${where}: ${then}`;
}

/** As lines without line ends. */
export function liveLines(live: LiveTrace, faults: readonly string[], style: Style): string[] {
  const steps = seen(live).map((event) => `  ${stepText(event)}`);
  const left =
    live.source === undefined ? "  it did not leave the node" : `  it left with the source ${formatIp(live.source)}`;
  const end =
    faults.length === 0
      ? style.green("The kernel did as foretold")
      : style.red(`The kernel did otherwise than foretold: ${faults.join("; ")}`);
  return [style.bold("A real packet, traced by the kernel"), ...steps, left, end];
}

/** For --json. */
export function liveObject(live: LiveTrace, faults: readonly string[]): object {
  return {
    agrees: faults.length === 0,
    differences: faults,
    source: live.source === undefined ? null : formatIp(live.source),
    trace: seen(live).map(({ family, table, chain, handle, verdict }) => ({
      family: familyName(family),
      table,
      chain,
      handle: handle === undefined ? null : Number(handle),
      verdict: verdict === undefined ? null : verdictText(verdict),
    })),
  };
}
