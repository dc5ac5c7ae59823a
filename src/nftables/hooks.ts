// Who is asked of the packets at a hook, of whatever part of netfilter: NFNLA_HOOK_… (nfnetlink_hook, Linux 5.14 and later).

import type { Connection } from "../netlink/connection.ts";
import { NFNL_SUBSYS, netfilterRequest, readReply } from "../netlink/nfnetlink.ts";
import { hasCode } from "../sys/error.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { cstring, s32be, u8, u32be } from "../wire/codec.ts";
import type { ChainName } from "./chain.ts";
import { NFNL_MSG_HOOK, NFNLA_CHAIN, NFNLA_HOOK, NFNLA_HOOK_INFO } from "./uapi.ts";

const hook = attrs({
  number: attr(NFNLA_HOOK.HOOKNUM, u32be),
  priority: attr(NFNLA_HOOK.PRIORITY, s32be),
  functionName: attr(NFNLA_HOOK.FUNCTION_NAME, cstring),
  module: attr(NFNLA_HOOK.MODULE_NAME, cstring),
  info: attr(
    NFNLA_HOOK.CHAIN_INFO,
    attrs({
      chain: attr(
        NFNLA_HOOK_INFO.DESC,
        attrs({
          table: attr(NFNLA_CHAIN.TABLE, cstring),
          family: attr(NFNLA_CHAIN.FAMILY, u8),
          name: attr(NFNLA_CHAIN.NAME, cstring),
        }),
      ),
      type: attr(NFNLA_HOOK_INFO.TYPE, u32be),
    }),
  ),
});

/** A function of the kernel that is called at a hook. */
export interface Hook {
  readonly priority: number;
  /** The kernel's module that it belongs to: `iptable_filter`. Undefined where it is built in. */
  readonly module: string | undefined;
  /** The base chain of nf_tables, where it is one. */
  readonly chain: ChainName | undefined;
}

/**
 * What is asked at a hook (of NF_INET) of a family's packets, NFPROTO.IPV4 or NFPROTO.IPV6, in order; base chains of the family
 * inet are among them. Like `nft list hooks`. Undefined where the kernel cannot tell. Throws NetlinkError.
 */
export function listHooks(connection: Connection, family: number, number: number): Hook[] | undefined {
  const list = netfilterRequest(NFNL_SUBSYS.HOOK, NFNL_MSG_HOOK.GET, 0, family, () => "list hooks", [hook, { number }]);
  try {
    return connection.dump(list).map((message) => {
      const { priority = 0, module, info } = readReply(message, "hook", hook).attributes;
      const { table, family: of, name } = info?.chain ?? {};
      const isChain = table !== undefined && of !== undefined && name !== undefined;
      return { priority, module, chain: isChain ? { family: of, table, name } : undefined };
    });
  } catch (error) {
    if (hasCode(error, "EINVAL", "EOPNOTSUPP", "ENOENT", "EPERM")) return undefined;
    throw error;
  }
}
