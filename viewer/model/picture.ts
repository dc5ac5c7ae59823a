// From what the executable prints to what is drawn: uplinks, networks, and attachments with what they own in each family.

import { FAMILIES, type Family, familyIn, Prefixes } from "./prefixes.ts";
import { keyOf, type ListedAttachment, type ListedItem, type NodeReport } from "./reports.ts";

/** How an attachment is: `half` where one family is masqueraded and another is not, which is what nobody notices. */
export type Health = "ok" | "half" | "broken" | "leaving" | "odd";

/** What an attachment has in one family. */
export interface FamilySide {
  readonly addresses: readonly string[];
  /** The worst of its addresses' states. */
  readonly state: string;
  /** Whether its packets are masqueraded, as far as anybody knows. */
  readonly isMasqueraded: boolean;
  readonly policy: string | undefined;
  /** The number of flows; undefined where nothing counts. */
  readonly flows: number | undefined;
  readonly bytes: number | undefined;
}

/** A port of the node that leads to the container; both families' where they agree. */
export interface PublishedPort {
  readonly families: readonly Family[];
  readonly text: string;
  readonly state: string;
}

export interface Attachment {
  readonly key: string;
  readonly network: string;
  readonly container: string;
  readonly ifname: string;
  readonly sides: Readonly<Partial<Record<Family, FamilySide>>>;
  readonly ports: readonly PublishedPort[];
  /** What else it owns: `firewall open`, `bandwidth veth0`, with the address or rate in front. */
  readonly others: readonly { readonly text: string; readonly state: string }[];
  readonly options: string | undefined;
  readonly health: Health;
  /** What is wrong, as a sentence; empty when nothing is. */
  readonly fault: string;
  /** All that one can search for, in lower case. */
  readonly words: string;
}

/** An interface of the node. */
export interface Device {
  readonly name: string;
  readonly kind: string;
  readonly isUp: boolean;
  readonly addresses: Readonly<Record<Family, readonly string[]>>;
}

/** An interface that a default route leads through, or that has an address and no container behind it. */
export interface Uplink extends Device {
  readonly gateways: Readonly<Partial<Record<Family, string>>>;
}

/** Whose packets leave as what, in one family. */
export interface NetworkFamily {
  /** The policies' chains, `outside-10.1.0.0/16`. */
  readonly policies: readonly string[];
  /** The address that they leave with; undefined where no default route leads anywhere. */
  readonly as: string | undefined;
  readonly uplink: string | undefined;
  readonly flows: number;
  /** How many attachments have addresses that are not masqueraded although they should be. */
  readonly lost: number;
}

export interface Network {
  readonly name: string;
  /** The bridge, or the interface that all hang on; undefined where each has its own. */
  readonly device: Device | undefined;
  readonly how: string;
  readonly families: Readonly<Partial<Record<Family, NetworkFamily>>>;
  readonly attachments: readonly Attachment[];
  readonly ill: number;
}

export interface Picture {
  readonly uplinks: readonly Uplink[];
  readonly networks: readonly Network[];
  /** The sum over networks. */
  readonly attachments: number;
  readonly ill: number;
}

/** States of addresses whose packets leave unmasqueraded, or as nobody wanted. */
const LOST = new Set(["missing", "no-policy", "taken"]);
const UNNAMED = "?";

/** The first word of POLICY of all that is not masquerade; see `bauta help list`. */
const OTHER_FEATURES = /^(firewall|bandwidth|host-device|tuning|macspoofchk)\b/;

export const familyName = (family: Family): string => `IPv${family}`;

/** What there is to draw. An attachment that is in `before` and has not changed is the same object. */
export function pictureOf(
  listed: readonly ListedAttachment[],
  node: NodeReport,
  made: (listed: ListedAttachment) => Attachment = attachmentOf,
): Picture {
  const ways = waysOf(node);
  const byNetwork = new Map<string, Attachment[]>();
  for (const one of listed) {
    const attachment = made(one);
    const all = byNetwork.get(attachment.network);
    if (all === undefined) byNetwork.set(attachment.network, [attachment]);
    else all.push(attachment);
  }
  const networks = [...byNetwork].map(([name, attachments]) => networkOf(name, attachments, ways));
  const used = new Set(networks.flatMap(({ device }) => (device === undefined ? [] : [device.name])));
  return {
    uplinks: ways.uplinks.filter(({ name }) => !used.has(name) || ways.defaults.has(name)),
    networks,
    attachments: listed.length,
    ill: networks.reduce((sum, { ill }) => sum + ill, 0),
  };
}

interface Ways {
  readonly devices: ReadonlyMap<string, Device>;
  readonly routes: Prefixes<string>;
  readonly uplinks: readonly Uplink[];
  /** The names of interfaces that default routes lead through. */
  readonly defaults: ReadonlySet<string>;
}

function waysOf({ links, routes }: NodeReport): Ways {
  const devices = new Map(
    links.map(({ name, kind, up, addresses }) => {
      const ofFamily = (family: Family): string[] => addresses.filter((one) => familyIn(one) === family);
      return [name, { name, kind: kind ?? "", isUp: up, addresses: { 4: ofFamily(4), 6: ofFamily(6) } }] as const;
    }),
  );
  const prefixes = new Prefixes<string>();
  for (const { to, dev } of routes) prefixes.add(to, dev);
  const gateways = new Map<string, Partial<Record<Family, string>>>();
  for (const { to, dev, via } of routes) {
    const family = familyIn(to);
    if (!to.endsWith("/0") || family === undefined) continue;
    const known = gateways.get(dev) ?? {};
    gateways.set(dev, { ...known, [family]: known[family] ?? via ?? "on link" });
  }
  const uplinks = [...devices.values()].flatMap((device) => {
    const given = gateways.get(device.name);
    return given === undefined ? [] : [{ ...device, gateways: given }];
  });
  return { devices, routes: prefixes, uplinks, defaults: new Set(gateways.keys()) };
}

/** What the list says of one attachment. One pass and few objects: there are thousands. */
export function attachmentOf(listed: ListedAttachment): Attachment {
  const sides: Partial<Record<Family, Mutable<FamilySide>>> = {};
  const portItems: ListedItem[] = [];
  const others: { readonly text: string; readonly state: string }[] = [];
  for (const item of listed.addresses) {
    const { address, policy, state } = item;
    if (policy?.startsWith("portmap ") === true) portItems.push(item);
    else if (policy !== null && OTHER_FEATURES.test(policy)) others.push({ text: `${address}: ${policy}`, state });
    else {
      const family = familyIn(address);
      if (family !== undefined) sides[family] = withItem(sides[family], item);
    }
  }
  const ports = portItems.length === 0 ? NONE : portsOf(portItems);
  const { container, network, interface: ifname, options } = listed;
  let words: string | undefined;
  return {
    key: keyOf(listed),
    network: network ?? UNNAMED,
    container: container ?? UNNAMED,
    ifname: ifname ?? UNNAMED,
    sides,
    ports,
    others,
    options: options === undefined ? undefined : JSON.stringify(options),
    ...judged(listed.state, sides, [...ports, ...others]),
    get words() {
      const all = [network, container, ifname, ...listed.addresses.map(({ address }) => address)];
      words ??= all.join(" ").toLowerCase();
      return words;
    },
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NONE: readonly PublishedPort[] = [];

/** The side with one address more. */
function withItem(side: Mutable<FamilySide> | undefined, item: ListedItem): Mutable<FamilySide> {
  const { address, state, packets, bytes } = item;
  const isMasqueraded = !LOST.has(state);
  const policy = item.policy ?? undefined;
  if (side === undefined) {
    const counted = { flows: packets ?? undefined, bytes: bytes ?? undefined };
    return { addresses: [address], state, isMasqueraded, policy, ...counted };
  }
  side.addresses = [...side.addresses, address];
  side.policy ??= policy;
  if (packets !== null) side.flows = (side.flows ?? 0) + packets;
  if (bytes !== null) side.bytes = (side.bytes ?? 0) + bytes;
  if (side.state === "ok" || (side.isMasqueraded && !isMasqueraded)) side.state = state;
  side.isMasqueraded &&= isMasqueraded;
  return side;
}

/** `8080 → 80/tcp`; the host's address is told where it is one. */
function portsOf(items: readonly ListedItem[]): PublishedPort[] {
  const found = new Map<string, PublishedPort>();
  for (const { address, policy, state } of items) {
    const [host = "", protocol = ""] = address.split("/");
    const at = host.lastIndexOf(":");
    const ip = host.slice(0, at).replace(/^\[|\]$/g, "");
    const target = (policy ?? "").replace(/^.*:/, "");
    const any = ip === "0.0.0.0" || ip === "::";
    const text = `${any ? "" : host.slice(0, at + 1)}${host.slice(at + 1)} → ${target}/${protocol}`;
    const family = familyIn(ip) ?? 4;
    const known = found.get(text);
    const families = [...new Set([...(known?.families ?? []), family])].sort();
    found.set(text, { families, text, state: known === undefined || known.state === "ok" ? state : known.state });
  }
  return [...found.values()];
}

const WELL = { health: "ok", fault: "" } as const;

function judged(
  state: string,
  sides: Readonly<Partial<Record<Family, FamilySide>>>,
  rest: readonly { readonly text: string; readonly state: string }[],
): Pick<Attachment, "health" | "fault"> {
  if (state === "ok") return WELL;
  const known = FAMILIES.flatMap((family) => {
    const side = sides[family];
    return side === undefined ? [] : [{ family, side }];
  });
  const lost = known.filter(({ side }) => !side.isMasqueraded);
  const names = lost.map(({ family, side }) => `${familyName(family)} is not masqueraded (${side.state})`).join(", ");
  if (lost.length > 0 && lost.length < known.length) {
    const kept = known.filter(({ side }) => side.isMasqueraded).map(({ family }) => familyName(family));
    return { health: "half", fault: `${names}, while ${kept.join(" and ")} is` };
  }
  if (lost.length > 0) return { health: "broken", fault: names };
  if (state === "leaving") return { health: "leaving", fault: "its removal has begun and not ended" };
  const odd = [
    ...known.flatMap(({ family, side }) => (side.state === "ok" ? [] : [`${familyName(family)}: ${side.state}`])),
    ...rest.flatMap((one) => (one.state === "ok" ? [] : [`${one.text}: ${one.state}`])),
  ];
  const isBroken = rest.some((one) => LOST.has(one.state));
  return { health: isBroken ? "broken" : "odd", fault: odd.join(", ") || state };
}

function networkOf(name: string, attachments: readonly Attachment[], ways: Ways): Network {
  // The first attachments tell it: all of a network hang on the same device, or each on its own.
  const devices = new Set<string>();
  for (const { sides } of attachments.slice(0, 8)) {
    for (const family of FAMILIES) {
      const address = sides[family]?.addresses[0];
      const device = address === undefined ? undefined : ways.routes.find(address);
      if (device !== undefined && !ways.defaults.has(device)) devices.add(device);
    }
  }
  const [first = ""] = devices;
  const device = ways.devices.get(first);
  const isShared = device !== undefined && device.kind !== "veth" && devices.size === 1;
  const families: Partial<Record<Family, NetworkFamily>> = {};
  for (const family of FAMILIES) {
    const found = networkFamilyOf(family, attachments, ways.uplinks);
    if (found !== undefined) families[family] = found;
  }
  return {
    name,
    device: isShared ? device : undefined,
    how: isShared ? `${device.kind || "interface"} ${device.name}` : device?.kind === "veth" ? "a veth pair each" : "",
    families,
    attachments,
    ill: attachments.filter(({ health }) => health !== "ok" && health !== "leaving").length,
  };
}

function networkFamilyOf(
  family: Family,
  attachments: readonly Attachment[],
  uplinks: readonly Uplink[],
): NetworkFamily | undefined {
  const policies = new Set<string>();
  let flows = 0;
  let lost = 0;
  let isThere = false;
  for (const { sides } of attachments) {
    const side = sides[family];
    if (side === undefined) continue;
    isThere = true;
    if (side.policy !== undefined && policies.size < 8) policies.add(side.policy);
    flows += side.flows ?? 0;
    if (!side.isMasqueraded) lost++;
  }
  if (!isThere) return undefined;
  const uplink = uplinks.find(({ gateways }) => gateways[family] !== undefined);
  const as = uplink?.addresses[family][0]?.replace(/\/\d+$/, "");
  return { policies: [...policies], as, uplink: uplink?.name, flows, lost };
}

/** The attachments that have all of the words in their names or addresses; networks without any are left out. */
export function filtered(picture: Picture, search: string): Picture {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return picture;
  const networks = picture.networks.flatMap((network) => {
    const attachments = network.attachments.filter((one) => words.every((word) => matches(one, word)));
    return attachments.length === 0 ? [] : [{ ...network, attachments }];
  });
  return { ...picture, networks };
}

/** `is:ill` finds what is not as it should be. */
function matches({ words, health }: Attachment, word: string): boolean {
  if (word === "is:ill") return health !== "ok" && health !== "leaving";
  return words.includes(word);
}
