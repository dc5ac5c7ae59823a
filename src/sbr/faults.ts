// CHECK: what of an attachment's routing is missing or altered.

import type { Attachment } from "../cni/attachment.ts";
import type { IpConfig } from "../cni/result.ts";
import { withContainerNetns, withRtnetlink } from "../links/namespaces.ts";
import { RTPROT_BAUTA, routesThrough } from "../links/routing-tables.ts";
import type { Connection } from "../netlink/connection.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import type { Device } from "../rtnetlink/device.ts";
import type { Route } from "../rtnetlink/route.ts";
import { listRules } from "../rtnetlink/rule.ts";
import { compareIp, familyOf, formatCidr, formatIp, isSingleHost, networkOf, sameCidr } from "../wire/ip.ts";
import { records } from "./records.ts";
import { type PresentRule, rulesFrom } from "./rules.ts";
import { gatewayOf, type Wanted } from "./wanted.ts";

/** Each as a phrase. Throws NetlinkError or SyscallError. */
export function routingFaults(attachment: Attachment, wanted: Wanted): string[] {
  const recorded = records.read(attachment)?.rules ?? [];
  return withContainerNetns(wanted.netns, (netns) =>
    withRtnetlink(netns, (container) => {
      const link = getBriefLink(container, attachment.ifname);
      if (link === undefined) return ["the interface is not there"];
      const sources = wanted.addresses.map(({ ip }) => ip);
      const rules = rulesFrom(listRules(container), sources);
      return wanted.addresses.flatMap((address) => {
        const { ip } = address;
        const table = wanted.table ?? recorded.find(({ source }) => compareIp(source, ip) === 0)?.table;
        const own = rules.filter(({ source }) => compareIp(source, ip) === 0);
        const rule = table === undefined ? own[0] : own.find((one) => one.table === table);
        if (rule === undefined) return [`no rule leads packets from ${formatIp(ip)} to ${table ?? "a table"}`];
        return [
          ...priorityFaults(rule, wanted.priority),
          ...(wanted.table === undefined ? tableFaults(container, link, rule.table, address, wanted) : []),
        ];
      });
    }),
  );
}

function priorityFaults({ source, rule }: PresentRule, wanted: number | undefined): string[] {
  if (wanted === undefined || rule.priority === wanted) return [];
  return [`the rule for packets from ${formatIp(source)} has the priority ${rule.priority}, not ${wanted}`];
}

/** A table must have the way out, and the subnet of the address. */
function tableFaults(
  container: Connection,
  link: Device,
  table: number,
  address: IpConfig,
  { gateways }: Wanted,
): string[] {
  const families = [familyOf(address.ip)];
  const routes = routesThrough(container, link, { table, families }).map(({ own }) => own);
  const gateway = gatewayOf(address, gateways);
  const subnet = networkOf(address);
  const isSingle = isSingleHost(subnet); // the kernel makes no route to a single IPv4 address
  return [
    ...(gateway === undefined || routes.some((route) => isWayOut(route, gateway))
      ? []
      : [`table ${table} has no default route via ${formatIp(gateway)}`]),
    ...(isSingle || routes.some(({ dst }) => sameCidr(dst, subnet))
      ? []
      : [`table ${table} has no route to ${formatCidr(subnet)}`]),
  ];
}

/** Of the default routes that another plugin has made, that plugin knows the gateway. */
function isWayOut({ dst, gateway, protocol }: Route, wanted: IpConfig["ip"]): boolean {
  if (dst.prefixLength > 0) return false;
  return protocol !== RTPROT_BAUTA || (gateway !== undefined && compareIp(gateway, wanted) === 0);
}
