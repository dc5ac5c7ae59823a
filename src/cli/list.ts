// `bauta list`: who is under masquerade on this node.

import { nameProblem } from "../cni/environment.ts";
import type { JsonObject } from "../cni/json.ts";
import type { ListedAttachment, ListedItem, OwnedState } from "../owned/feature.ts";
import { joinInventories } from "../owned/inventory.ts";
import { flag, text } from "./arguments.ts";
import { askFeatures } from "./ask-features.ts";
import type { Output } from "./io.ts";
import { shown } from "./names-text.ts";
import { optionsText } from "./options-text.ts";
import { type Column, layOut } from "./table.ts";
import { styleFor } from "./terminal-text.ts";
import { QUIET, type Verb, verb } from "./verb.ts";

const ABOUT = `
One line for each address of each attachment (an interface of a container on a
network), from the kernel's own tables, ip and ip6 bauta_masquerade. POLICY is
the chain that the address's packets go through. It is "iptables" where the
attachment was made with ipMasqBackend "iptables": the counters are then those
of its rule in iptables' own chain POSTROUTING. With macspoofchk, one line more
for the MAC address that the container may send under, from the table bridge
bauta_macspoofchk: POLICY is then "macspoofchk" and the port that is guarded.
With portmap, one line more for each published port, from the tables ip and ip6
bauta_portmap: POLICY is then "portmap" and where the port leads.
With the plugin bandwidth, one line more for each way that has a limit: ADDRESS
is then the way and the rate, POLICY "bandwidth" and the link that has the
limit, and PACKETS and BYTES are all that has passed.
With the plugin host-device, one line for the device: ADDRESS is the MAC address
that the hardware was made with, and POLICY is "host-device" and the name that
the device has on the node.
With the plugin tuning, one line more for each backup file: ADDRESS is then its
path, and POLICY "tuning" and what DEL brings back.
With the plugin firewall, one line more for each address: POLICY is then
"firewall", the ingress policy, and the bridge unless the policy is open.
With the plugin sbr, one line more for each address that has a rule of its own:
POLICY is then "sbr table" and the routing table that the rule leads to.

PACKETS and BYTES count the first packet of each flow only, because the kernel
shows a nat chain no others: PACKETS is the number of flows that the address has
started through this node.

A column STATE appears when something is not as it should be:

  missing       recorded, but not in the kernel: its packets leave
                unmasqueraded, its frames under any MAC address, or
                without a limit
  no-policy     in the kernel's owners, but it has no policy, or nothing leads
                its packets there: likewise
  other-policy  its packets go to another chain than the one recorded, or have
                another limit
  taken         an attachment that came later has this address or port now
  leaving       its removal was begun and has not ended
  no-record     in the kernel, but its record (under /run/bauta) is gone; names
                are then from the element's comment, "…" where it was too short
  no-owner      in the kernel's policies, but not in its owners
  unknown       under iptables, whose rules could not be read

What is wrong with the tables themselves is told on standard error.

A column OPTIONS appears when an attachment has ipMasqOptions; lists of more
than two are shown by their length.

On a terminal that is too narrow container ids are cut to fit, ending in "…";
never in a pipe or a file.

--json prints an array with an object for each attachment, a line each:

  network, container, interface   strings; null where nobody knows
  id          what stands for the attachment in the map owners, 32 digits
  state       "ok", or the worst of its addresses' states
  options     the ipMasqOptions, where there are any
  addresses   an array of objects:
    address   with the prefix length, where that is known
    policy    string or null
    packets, bytes   numbers, or null where the kernel counts nothing
    state     "ok", or as above
`;

export const list: Verb = verb({
  name: "list",
  summary: "Lists the attachments, with their addresses under masquerade and their guards",
  about: ABOUT,
  options: {
    network: text("NAME", "only the attachments of this network", nameProblem),
    json: flag("as JSON, for programs"),
    ...QUIET,
  },
  run({ network, json }, io) {
    const inventory = joinInventories(askFeatures(io, (feature, nft) => feature.inventory(nft, network)));
    for (const fault of inventory.faults) io.log(`bauta: warning: ${fault}`);
    if (json) io.printJson(asJson(inventory.attachments));
    else io.print(asTable(inventory.attachments, io));
  },
});

const COLUMNS: readonly Column[] = [
  { title: "NETWORK" },
  { title: "CONTAINER", least: 13 }, // the twelve digits that people know a container by, and "…"
  { title: "INTERFACE" },
  { title: "ADDRESS" },
  { title: "POLICY" },
  { title: "PACKETS", isNumber: true },
  { title: "BYTES", isNumber: true },
];

function asTable(
  attachments: readonly ListedAttachment[],
  io: Pick<Output, "isTerminal" | "getenv" | "columns">,
): string[] {
  const style = styleFor(io.isTerminal(), io.getenv);
  const hasOptions = attachments.some(({ options }) => options !== undefined);
  const isAllOk = attachments.every((attachment) => stateOf(attachment) === "ok");
  const state: Column = { title: "STATE", paint: (text) => (text === "ok" ? style.dim(text) : style.red(text)) };
  const columns = [...COLUMNS, ...(isAllOk ? [] : [state]), ...(hasOptions ? [{ title: "OPTIONS" }] : [])];
  const texts = new Map<JsonObject | undefined, string>(); // attachments with the same options have the same object
  const textOf = (options: JsonObject | undefined): string => {
    const text = texts.get(options) ?? optionsText(options ?? {});
    texts.set(options, text);
    return text;
  };
  const rows = attachments.flatMap((attachment) => {
    const options = hasOptions ? [textOf(attachment.options)] : [];
    const { network = UNKNOWN, container = UNKNOWN, interface: ifname = UNKNOWN } = shown(attachment.name);
    return attachment.items.map((item) => {
      const shownState = isAllOk ? [] : [item.state];
      return [network, container, ifname, ...cellsOf(item), ...shownState, ...options];
    });
  });
  return layOut(columns, rows, style, io.columns());
}

const UNKNOWN = "-";

function cellsOf(item: ListedItem): string[] {
  const { address, policy = UNKNOWN, packets = UNKNOWN, bytes = UNKNOWN } = item;
  return [address, policy, `${packets}`, `${bytes}`];
}

/** From bad to worse. */
const BY_GRAVITY: readonly OwnedState[] = [
  "ok",
  "leaving",
  "unknown",
  "no-record",
  "taken",
  "other-policy",
  "no-owner",
  "no-policy",
  "missing",
];

function stateOf({ items }: ListedAttachment): OwnedState {
  return items.reduce<OwnedState>(
    (worst, { state }) => (BY_GRAVITY.indexOf(state) > BY_GRAVITY.indexOf(worst) ? state : worst),
    "ok",
  );
}

function asJson(attachments: readonly ListedAttachment[]): string {
  const lines = attachments.map((attachment) => ` ${JSON.stringify(objectOf(attachment))}`);
  return lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n]`;
}

function objectOf(attachment: ListedAttachment): object {
  const name = shown(attachment.name);
  return {
    network: name.network ?? null,
    container: name.container ?? null,
    interface: name.interface ?? null,
    id: attachment.id === "" ? null : attachment.id,
    state: stateOf(attachment),
    ...(attachment.options === undefined ? {} : { options: attachment.options }),
    addresses: attachment.items.map(({ address, policy, packets, bytes, state }) => ({
      address,
      policy: policy ?? null,
      packets: numberOrNull(packets),
      bytes: numberOrNull(bytes),
      state,
    })),
  };
}

function numberOrNull(count: bigint | undefined): number | null {
  return count === undefined ? null : Number(count);
}
