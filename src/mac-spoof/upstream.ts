// What containernetworking/plugins leave for macspoofchk: in table bridge nat two chains an attachment, named after
// container and interface, and a rule of PREROUTING that jumps to them.

import type { Attachment } from "../cni/attachment.ts";
import { deleteChain, getChain } from "../nftables/chain.ts";
import type { Expression } from "../nftables/expression.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { deleteRule, listRules } from "../nftables/rule.ts";
import { NFPROTO } from "../nftables/uapi.ts";
import { hasCode } from "../sys/error.ts";

const inTable = { family: NFPROTO.BRIDGE, table: "nat" } as const;
const PREROUTING = { ...inTable, chain: "PREROUTING" } as const;

/** NFT_CHAIN_MAXNAMELEN - 1; there can be no chain with a longer name, and asking for one is an error. */
const NAME_MAX = 255;

/** Removes upstream's chains of the attachment. Costs one question where there are none. Throws NetlinkError. */
export function removeUpstreamGuard(nft: Nftables, { containerId, ifname }: Attachment): void {
  const name = `cni-br-iface-${containerId}-${ifname}`;
  const chains = [name, `${name}-mac`];
  if (`${name}-mac`.length > NAME_MAX || getChain(nft.connection, { ...inTable, name }) === undefined) return;
  const jumps = listRules(nft.connection, PREROUTING).filter(({ expressions }) => expressions.some(isJumpTo(name)));
  const present = chains.filter((chain) => getChain(nft.connection, { ...inTable, name: chain }) !== undefined);
  try {
    nft.commit([
      ...jumps.map(({ handle }) => deleteRule({ ...PREROUTING, handle })),
      // The first has a rule that jumps to the second.
      ...present.map((chain) => deleteChain({ ...inTable, name: chain })),
    ]);
  } catch (error) {
    // Upstream's plugin is at the same; what is gone is gone.
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

function isJumpTo(name: string): (expression: Expression) => boolean {
  return (expression) =>
    expression.kind === "immediate" &&
    "data" in expression &&
    expression.data !== undefined &&
    !(expression.data instanceof Uint8Array) &&
    expression.data.chain === name;
}
