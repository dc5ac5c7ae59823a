// Made-up answers of the kernel about links, for tests that need a link in a state that is hard to bring about.

import type { Message } from "../../src/netlink/message.ts";
import { addLink, type NewLink } from "../../src/rtnetlink/link.ts";
import { IFLA, RTM } from "../../src/rtnetlink/uapi.ts";
import { writeAttribute } from "../../src/wire/attrs.ts";
import { u8 } from "../../src/wire/codec.ts";
import { Writer } from "../../src/wire/writer.ts";
import { ack, message, type Reply } from "./fake-kernel.ts";

/** An RTM_NEWLINK that answers a request, and the acknowledgement. */
export function linkReply(request: Message, link: NewLink, operState = 0): Reply[] {
  const out = new Writer();
  addLink(link).encode(out);
  writeAttribute(out, IFLA.OPERSTATE, u8, operState);
  const { sequence } = request;
  return [message({ type: RTM.NEWLINK, sequence, payload: out.bytes().slice() }), ack(request)];
}
