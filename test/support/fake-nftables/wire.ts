// The attributes of nf_tables as the kernel reads and writes them (include/uapi/linux/netfilter/nf_tables.h): a description of
// its own beside that of src/nftables, so that a mistake in one of them shows.

import { data } from "../../../src/nftables/data.ts";
import { expressions } from "../../../src/nftables/expression.ts";
import { stateful } from "../../../src/nftables/stateful.ts";
import { attr, attrs, list } from "../../../src/wire/attrs.ts";
import { bytes, type Codec, cstring, type Infer, s32be, u32be, u64be } from "../../../src/wire/codec.ts";
import { Writer } from "../../../src/wire/writer.ts";

export const wireTable = attrs({
  name: attr(1, cstring), // NFTA_TABLE_NAME
  flags: attr(2, u32be), // NFTA_TABLE_FLAGS
  use: attr(3, u32be), // NFTA_TABLE_USE
  handle: attr(4, u64be), // NFTA_TABLE_HANDLE
  userdata: attr(6, bytes), // NFTA_TABLE_USERDATA
});

const hook = attrs({
  number: attr(1, u32be), // NFTA_HOOK_HOOKNUM
  priority: attr(2, s32be), // NFTA_HOOK_PRIORITY
});

export const wireChain = attrs({
  table: attr(1, cstring), // NFTA_CHAIN_TABLE
  handle: attr(2, u64be), // NFTA_CHAIN_HANDLE
  name: attr(3, cstring), // NFTA_CHAIN_NAME
  hook: attr(4, hook), // NFTA_CHAIN_HOOK
  policy: attr(5, u32be), // NFTA_CHAIN_POLICY
  use: attr(6, u32be), // NFTA_CHAIN_USE
  type: attr(7, cstring), // NFTA_CHAIN_TYPE
  flags: attr(10, u32be), // NFTA_CHAIN_FLAGS
  userdata: attr(12, bytes), // NFTA_CHAIN_USERDATA
});

export const wireRule = attrs({
  table: attr(1, cstring), // NFTA_RULE_TABLE
  chain: attr(2, cstring), // NFTA_RULE_CHAIN
  handle: attr(3, u64be), // NFTA_RULE_HANDLE
  expressions: attr(4, expressions), // NFTA_RULE_EXPRESSIONS
  position: attr(6, u64be), // NFTA_RULE_POSITION
  userdata: attr(7, bytes), // NFTA_RULE_USERDATA
});

export const wireSet = attrs({
  table: attr(1, cstring), // NFTA_SET_TABLE
  name: attr(2, cstring), // NFTA_SET_NAME
  flags: attr(3, u32be), // NFTA_SET_FLAGS
  keyType: attr(4, u32be), // NFTA_SET_KEY_TYPE
  keyLength: attr(5, u32be), // NFTA_SET_KEY_LEN
  dataType: attr(6, u32be), // NFTA_SET_DATA_TYPE
  dataLength: attr(7, u32be), // NFTA_SET_DATA_LEN
  userdata: attr(13, bytes), // NFTA_SET_USERDATA
  handle: attr(16, u64be), // NFTA_SET_HANDLE
  expression: attr(17, stateful), // NFTA_SET_EXPR
});

const element = attrs({
  key: attr(1, data), // NFTA_SET_ELEM_KEY
  data: attr(2, data), // NFTA_SET_ELEM_DATA
  flags: attr(3, u32be), // NFTA_SET_ELEM_FLAGS
  userdata: attr(6, bytes), // NFTA_SET_ELEM_USERDATA
  expression: attr(7, stateful), // NFTA_SET_ELEM_EXPR
});

export const wireElements = attrs({
  table: attr(1, cstring), // NFTA_SET_ELEM_LIST_TABLE
  set: attr(2, cstring), // NFTA_SET_ELEM_LIST_SET
  elements: attr(3, list(1, element)), // NFTA_SET_ELEM_LIST_ELEMENTS, NFTA_LIST_ELEM
});

export const wireGeneration = attrs({ id: attr(1, u32be) }); // NFTA_GEN_ID
export const wireBatch = attrs({ generation: attr(1, u32be) }); // NFNL_BATCH_GENID

export type WireElement = Infer<typeof element>;

/** struct nfgenmsg and the attributes. */
export function payloadOf<A>(family: number, codec: Codec<A>, values: A): Uint8Array {
  const out = new Writer(256);
  out.u8(family);
  out.u8(0); // NFNETLINK_V0
  out.u16(0); // res_id
  codec.encode(values, out);
  return out.bytes();
}
