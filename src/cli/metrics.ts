// `bauta metrics`: counts for Prometheus.

import { version as release } from "../../package.json";
import { text } from "./arguments.ts";
import { askFeatures } from "./ask-features.ts";
import { thisNode } from "./doctor/node.ts";
import { expositionLines, type Metric } from "./metrics/exposition.ts";
import { addressGauges, attachmentGauges, trackingGauges } from "./metrics/gauges.ts";
import { type Verb, verb } from "./verb.ts";

const ABOUT = `
Prints counts in Prometheus' text format, for node_exporter's textfile collector
say:

  bauta metrics >/var/lib/prometheus/node-exporter/bauta.prom.new &&
  mv /var/lib/prometheus/node-exporter/bauta.prom.new \\
     /var/lib/prometheus/node-exporter/bauta.prom

  bauta_info                 1, with the version of bauta
  bauta_attachments          interfaces of containers, for each network
  bauta_owned                what they own: by network, feature (ipMasq,
                             portmap, ...) and state as in bauta list
  bauta_masquerade_flows     flows that the containers that are attached now
                             have started through this node
  bauta_addresses_taken      of each range set of host-local in the
  bauta_addresses_free       configurations
  bauta_tracked_flows        flows in the table of connection tracking, and
  bauta_tracked_flows_limit  how many it has room for

All are gauges: nothing that bauta counts survives the containers.
`;

export const metrics: Verb = verb({
  name: "metrics",
  summary: "Prints counts for Prometheus",
  about: ABOUT,
  options: { "conf-dir": text("DIR", "where lists are, /etc/cni/net.d unless given") },
  run({ "conf-dir": confDir = "/etc/cni/net.d" }, io) {
    const node = thisNode(confDir, "", io.openNftables);
    const inventories = askFeatures(io, (feature, nft) => feature.inventory(nft));
    const info: Metric = {
      name: "bauta_info",
      help: "The version of bauta.",
      samples: [{ labels: { version: release }, value: 1 }],
    };
    io.print(
      expositionLines([info, ...attachmentGauges(inventories), ...addressGauges(node), ...trackingGauges(node)]),
    );
  },
});
