// IFLA_LINKINFO: the kind of a link with the options of that kind, and the kind of its master with the options that
// the link has as its port.

import { attr, attrs, decodeVariant, type RawAttribute, type SubmessageValue } from "../wire/attrs.ts";
import { type Codec, cstring, encode } from "../wire/codec.ts";
import { bridgePort } from "./bridge-port.ts";
import { rawNest } from "./codecs.ts";
import { bridge } from "./kinds/bridge.ts";
import { ipvlan } from "./kinds/ipvlan.ts";
import { macvlan } from "./kinds/macvlan.ts";
import { tun } from "./kinds/tun.ts";
import { veth } from "./kinds/veth.ts";
import { vlan } from "./kinds/vlan.ts";
import { vrf } from "./kinds/vrf.ts";
import { IFLA_INFO } from "./uapi.ts";

const kinds = { bridge, dummy: attrs({}), ifb: attrs({}), ipvlan, macvlan, tun, veth, vlan, vrf };
const portKinds = { bridge: bridgePort };

/** The kind of a link and its options: `{ kind: "bridge", vlanFiltering: true }`. Kinds not known here keep their bytes. */
export type LinkInfo = SubmessageValue<typeof kinds>;

/** What a link is as the port of its master: `{ kind: "bridge", hairpinMode: true, … }`. */
export type PortInfo = SubmessageValue<typeof portKinds>;

interface LinkInfoNest {
  readonly info?: LinkInfo | undefined;
  readonly port?: PortInfo | undefined;
  readonly unknown?: readonly RawAttribute[] | undefined;
}

const envelope = attrs({
  kind: attr(IFLA_INFO.KIND, cstring),
  data: attr(IFLA_INFO.DATA, rawNest),
  portKind: attr(IFLA_INFO.SLAVE_KIND, cstring),
  portData: attr(IFLA_INFO.SLAVE_DATA, rawNest),
});

/** The name of the kind, as ip(8) has it after `type`. */
export function kindName(info: LinkInfo | PortInfo): string {
  return info.kind === "unknown" ? info.name : info.kind;
}

function dataOf<T extends { readonly kind: string }>(
  info: T | undefined,
  variants: Readonly<Record<string, Codec<object>>>,
): Uint8Array | undefined {
  if (info === undefined) return undefined;
  if (info.kind === "unknown") return "data" in info && info.data instanceof Uint8Array ? info.data : undefined;
  const codec = variants[info.kind];
  const data = codec === undefined ? undefined : encode(codec, info);
  return data?.length === 0 ? undefined : data; // a kind without options refuses even an empty nest on old kernels
}

export const linkInfo: Codec<LinkInfoNest> = {
  nested: true,
  encode({ info, port, unknown }, out) {
    envelope.encode(
      {
        kind: info && kindName(info),
        data: dataOf(info, kinds),
        portKind: port && kindName(port),
        portData: dataOf(port, portKinds),
        unknown,
      },
      out,
    );
  },
  decode(payload) {
    const { kind, data, portKind, portData, unknown } = envelope.decode(payload);
    return {
      unknown,
      info: kind === undefined ? undefined : decodeVariant(kinds, kind, data),
      port: portKind === undefined ? undefined : decodeVariant(portKinds, portKind, portData),
    };
  },
};
