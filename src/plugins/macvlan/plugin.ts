// The macvlan plugin: an interface of its own MAC address in the network of one of the node's.

import type { Invocation } from "../../cni/plugin.ts";
import { emptyIsAbsent, integer, object, oneOf, withDefault } from "../../cni/schema.ts";
import { localMac } from "../../links/local-mac.ts";
import { listUppers, uppersText } from "../../links/uppers.ts";
import type { BriefLink } from "../../rtnetlink/brief-link.ts";
import { setLink } from "../../rtnetlink/link.ts";
import type { LinkInfo } from "../../rtnetlink/link-info.ts";
import { MACVLAN_MODE } from "../../rtnetlink/uapi.ts";
import { hasCode } from "../../sys/error.ts";
import { randomBytes } from "../../sys/process.ts";
import type { Mac } from "../../wire/mac.ts";
import { ownMacKeys, ownMacOf, parentKeys, type UpperConfig, upperConfigOf } from "../keys.ts";
import { addressKeys } from "../shared-keys.ts";
import { type Upper, upperPlugin } from "../upper.ts";

const MODES = { bridge: "BRIDGE", private: "PRIVATE", vepa: "VEPA", passthru: "PASSTHRU" } as const;
const mode = oneOf(["bridge", "private", "vepa", "passthru"], "how interfaces of one master reach each other");

const macvlanSchema = object({
  ...parentKeys,
  mode: withDefault(emptyIsAbsent(mode), "bridge"),
  bcqueuelen: withDefault(integer(0, 0xffffffff, "broadcast frames that may wait at the master; 0: 1000"), 0),
  ...ownMacKeys,
});

interface MacvlanConfig extends UpperConfig {
  readonly mode: keyof typeof MODES;
  readonly bcQueueLength: number | undefined;
  readonly mac: Mac | undefined;
}

export const plugin = upperPlugin<MacvlanConfig>({
  name: "macvlan",
  keys: [macvlanSchema, addressKeys],
  read,
  info: ({ mode, bcQueueLength }) => ({ kind: "macvlan", mode: MACVLAN_MODE[MODES[mode]], bcQueueLength }),
  mac: ({ mode, mac }) => (mode === "passthru" ? undefined : (mac ?? localMac(randomBytes(6)))),
  create,
  explain,
  difference,
});

function read({ config, args }: Invocation): MacvlanConfig {
  const keys = macvlanSchema.read(config.raw, "");
  const { mode, bcqueuelen } = keys;
  return { ...upperConfigOf(keys), mode, bcQueueLength: bcqueuelen || undefined, mac: ownMacOf(keys, args) };
}

/**
 * A passthru interface has its master's MAC address, whatever it is made with. Another address becomes the master's, too; the
 * kernel gives the master its own back when the interface goes (macvlan_port_destroy() in drivers/net/macvlan.c).
 */
function create(
  { config: { mode, mac }, namespaces: { container } }: Upper<MacvlanConfig>,
  make: () => BriefLink,
): BriefLink {
  const link = make();
  if (mode !== "passthru" || mac === undefined) return link;
  container.execute(setLink(link, { mac }));
  return { ...link, mac };
}

/** A passthru interface is the only one of its master. */
function explain(error: unknown, { config: { mode }, namespaces, parent }: Upper<MacvlanConfig>): string | undefined {
  if (!hasCode(error, "EINVAL")) return undefined;
  const others = listUppers(namespaces, parent, ["macvlan", "macvtap"]);
  const isAlone = ({ info }: { readonly info: LinkInfo | undefined }): boolean =>
    modeOf(info) === MACVLAN_MODE.PASSTHRU;
  if (others.length === 0 || (mode !== "passthru" && !others.some(({ link }) => isAlone(link)))) return undefined;
  const master = JSON.stringify(parent.link.name);
  if (mode === "passthru")
    return `mode: "passthru" takes ${master} for itself, which has ${uppersText(others)} already`;
  return `mode: ${JSON.stringify(mode)} is not possible, because ${uppersText(others)} has ${master} in mode "passthru"`;
}

function modeOf(info: LinkInfo | undefined): number | undefined {
  return info?.kind === "macvlan" && "mode" in info ? info.mode : undefined;
}

function difference(info: LinkInfo | undefined, { mode }: MacvlanConfig): string | undefined {
  const wanted = MACVLAN_MODE[MODES[mode]];
  const found = modeOf(info);
  if (found === wanted) return undefined;
  const name =
    Object.entries(MACVLAN_MODE)
      .find(([, value]) => value === found)?.[0]
      .toLowerCase() ?? `${found}`;
  return `has the mode ${name}, not ${mode}`;
}
