// Neighbours, which IP address is at which Ethernet address: `ip neighbour`.

import type { Connection } from "../netlink/connection.ts";
import { type Message, type Request, request } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { bytes, type Infer, pad, s32, u8, u16, u32 } from "../wire/codec.ts";
import { DecodeError, decodeWithin } from "../wire/error.ts";
import { type Family, formatIp, type Ip } from "../wire/ip.ts";
import { formatMac, type Mac } from "../wire/mac.ts";
import { struct } from "../wire/struct.ts";
import { ip } from "./codecs.ts";
import { addressFamily, type Device, deviceText } from "./device.ts";
import { NDA, NUD, RTM } from "./uapi.ts";

/** struct ndmsg, include/uapi/linux/neighbour.h */
const ndmsg = struct({ family: u8, _pad1: pad(1), _pad2: pad(2), index: s32, state: u16, flags: u8, type: u8 });

/** include/uapi/linux/neighbour.h, NDA_* */
const neighbourAttributes = attrs({
  ip: attr(NDA.DST, ip),
  mac: attr(NDA.LLADDR, bytes),
  index: attr(NDA.IFINDEX, u32),
});

/** A neighbour to be put into the table. */
export interface NewNeighbour {
  readonly ip: Ip;
  readonly mac?: Mac | undefined;
  /** NUD; PERMANENT when absent. */
  readonly state?: number | undefined;
  /** NTF bits. */
  readonly flags?: number | undefined;
}

/** A neighbour as the kernel describes it. */
export interface Neighbour extends NewNeighbour {
  readonly device: Device;
  readonly state: number;
  readonly flags: number;
}

/** Like `ip neighbour replace`: adds it, or changes the one that is there. */
export function replaceNeighbour(device: Device, neighbour: NewNeighbour): Request {
  const { mac } = neighbour;
  const operation = (): string =>
    `neighbour replace ${formatIp(neighbour.ip)}${mac === undefined ? "" : ` lladdr ${formatMac(mac)}`} dev ${deviceText(device)}`;
  const { state = NUD.PERMANENT } = neighbour;
  return neighbourRequest(RTM.NEWNEIGH, NLM_F.CREATE | NLM_F.REPLACE, operation, device, { ...neighbour, state });
}

/** Like `ip neighbour delete`. Fails with ENOENT when there is none. */
export function deleteNeighbour(device: Device, address: Ip): Request {
  const operation = (): string => `neighbour delete ${formatIp(address)} dev ${deviceText(device)}`;
  return neighbourRequest(RTM.DELNEIGH, 0, operation, device, { ip: address, state: NUD.PERMANENT });
}

/** Like `ip neighbour show`: of all links or one, of one family. */
export function listNeighbours(
  connection: Connection,
  only: { readonly family: Family; readonly device?: Device },
): Neighbour[] {
  const { family, device } = only;
  const operation = (): string =>
    `${family === 4 ? "" : "-6 "}neighbour show${device === undefined ? "" : ` dev ${deviceText(device)}`}`;
  const header = { family: addressFamily(family), index: 0, state: 0, flags: 0, type: 0 };
  const dump = request(RTM.GETNEIGH, 0, operation, [ndmsg, header], [neighbourAttributes, { index: device?.index }]);
  return connection.dump(dump).map(decodeNeighbour);
}

/** A neighbour from an RTM_NEWNEIGH or RTM_DELNEIGH, answered or heard. Throws DecodeError. */
export function decodeNeighbour(message: Message): Neighbour {
  return decodeWithin("neighbour", () => {
    const { index, state, flags } = ndmsg.decode(message.payload);
    const found = neighbourAttributes.decode(message.payload.subarray(ndmsg.size));
    if (found.ip === undefined) throw new DecodeError("NDA_DST is missing");
    return { device: { index }, ip: found.ip, mac: found.mac, state, flags };
  });
}

type NeighbourHeader = Omit<Infer<typeof ndmsg>, "family">;

function neighbourRequest(
  type: number,
  nlmFlags: number,
  operation: () => string,
  device: Device,
  { ip: address, mac, state = 0, flags = 0 }: NewNeighbour,
): Request {
  const header: NeighbourHeader = { index: device.index, state, flags, type: 0 };
  return request(
    type,
    nlmFlags,
    operation,
    [ndmsg, { family: addressFamily(address), ...header }],
    [neighbourAttributes, { ip: address, mac }],
  );
}
