// What `bauta metrics` measures.

import { FEATURES } from "../../features.ts";
import { capacityOf, formatSet, rangeFor } from "../../ipam/range.ts";
import type { Inventory, ListedAttachment } from "../../owned/feature.ts";
import { joinInventories } from "../../owned/inventory.ts";
import { familyOf } from "../../wire/ip.ts";
import type { Node } from "../doctor/node.ts";
import { type Metric, type Sample, Tally } from "./exposition.ts";

/** What attachments own; `inventories` are those of FEATURES, in this order. */
export function attachmentGauges(inventories: readonly Inventory[]): Metric[] {
  const [attachments, items, flows] = [new Tally(), new Tally(), new Tally()];
  for (const { name } of joinInventories(inventories).attachments) attachments.add(networkLabel(name));
  inventories.forEach((inventory, i) => {
    const feature = FEATURES[i]?.name ?? "";
    for (const one of inventory.attachments) {
      for (const { state, packets } of one.items) {
        items.add({ ...networkLabel(one.name), feature, state });
        if (feature === "ipMasq" && packets !== undefined) flows.add(networkLabel(one.name), packets);
      }
    }
  });
  return [
    {
      name: "bauta_attachments",
      help: "Interfaces of containers that own something on this node.",
      samples: attachments.samples,
    },
    {
      name: "bauta_owned",
      help: "What attachments own by a feature: addresses under masquerade (ipMasq), published ports (portmap) and so on. In order is the state ok.",
      samples: items.samples,
    },
    {
      name: "bauta_masquerade_flows",
      help: "Flows that the containers of a network, as many as are attached now, have started through this node.",
      samples: flows.samples,
    },
  ];
}

/** Nobody can name what only a table tells of. */
function networkLabel({ network = "" }: ListedAttachment["name"]): { network: string } {
  return { network };
}

/** Addresses of host-local's range sets: an attachment gets one of each set. */
export function addressGauges(node: Node): Metric[] {
  const measured = node.networks().flatMap((network) => {
    const taken = network.sets.length === 0 ? [] : node.taken(network);
    return network.sets.map((set) => {
      const used = taken.filter((ip) => rangeFor(set, ip) !== undefined).length;
      const [first] = set;
      const labels = {
        network: network.name,
        family: String(familyOf(first?.start ?? new Uint8Array(4))),
        range: formatSet(set),
      };
      return { labels, used, free: Math.max(0, capacityOf(set) - used) };
    });
  });
  const samples = (what: "used" | "free"): Sample[] => measured.map(({ labels, [what]: value }) => ({ labels, value }));
  return [
    {
      name: "bauta_addresses_taken",
      help: "Addresses of a range set that host-local has given out.",
      samples: samples("used"),
    },
    {
      name: "bauta_addresses_free",
      help: "Addresses of a range set that host-local can still give out.",
      samples: samples("free"),
    },
  ];
}

/** Connection tracking, where the kernel has begun with it. */
export function trackingGauges({ sysctl }: Pick<Node, "sysctl">): Metric[] {
  const read = (name: "count" | "max"): Sample[] => {
    const value = Number(sysctl(`net/netfilter/nf_conntrack_${name}`));
    return Number.isNaN(value) ? [] : [{ labels: {}, value }];
  };
  return [
    { name: "bauta_tracked_flows", help: "Flows in the table of connection tracking.", samples: read("count") },
    {
      name: "bauta_tracked_flows_limit",
      help: "Flows that the table of connection tracking has room for.",
      samples: read("max"),
    },
  ];
}
