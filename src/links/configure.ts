// Addresses and routes inside a container, as the result of IPAM names them.

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { IpConfig, Route } from "../cni/result.ts";
import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import type { Request } from "../netlink/message.ts";
import { addAddress, type NewAddress } from "../rtnetlink/address.ts";
import type { Device } from "../rtnetlink/device.ts";
import { setLink } from "../rtnetlink/link.ts";
import { listRoutes, type NewRoute, prependRoute } from "../rtnetlink/route.ts";
import { IFA_F, RT_SCOPE, RTPROT } from "../rtnetlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { inNetns } from "../sys/netns.ts";
import { ensureSysctl, readSysctl, type SysctlName, setSysctl, trySetSysctl } from "../sys/sysctl.ts";
import {
  type Cidr,
  compareIp,
  contains,
  FAMILIES,
  type Family,
  familyOf,
  type Ip,
  lastOf,
  sameCidr,
} from "../wire/ip.ts";
import type { Namespaces } from "./namespaces.ts";
import { settleAddresses, withAddressWatch } from "./settle.ts";

/** A parameter of the kernel and its value. */
export type Parameter = readonly [name: SysctlName, value: string];

/** How the container's end of an attachment is to be. */
export interface ContainerSetup {
  readonly device: Device & { readonly name: string };
  readonly addresses: readonly IpConfig[];
  /** Those of the result: one without a next hop goes by the first gateway of its family. */
  readonly routes: readonly Route[];
  /** Parameters of the container's namespace to be set first, where its kernel has them. */
  readonly parameters?: readonly Parameter[];
  /** What else comes before the interface is up, in the container's namespace. */
  readonly prepare?: (() => void) | undefined;
  /**
   * Whether the node makes sure that nobody else on the link has the IPv6 addresses, and waits for it (a second or two).
   * Without it they can be used at once: where the range is ours, IPAM has already made sure.
   */
  readonly duplicateAddressDetection?: boolean;
  /** To be done after everything else, in the same message to the kernel. */
  readonly afterwards?: readonly Request[];
}

/**
 * Gives the container's end its addresses, brings it up, and adds the routes. Throws NetlinkError naming the address or
 * route that the kernel refused; nothing is taken back then, as the interface goes altogether.
 */
export function configureContainer(namespaces: Pick<Namespaces, "container" | "netns">, setup: ContainerSetup): void {
  const { device, addresses, duplicateAddressDetection = false } = setup;
  const { container, netns } = namespaces;
  const hasIpv6 = addresses.some(({ ip }) => familyOf(ip) === 6);
  inNetns(netns, () => {
    for (const [name, value] of setup.parameters ?? []) trySetSysctl(name, value);
    if (hasIpv6) enableIpv6(device.name);
    setup.prepare?.();
  });
  const flags = duplicateAddressDetection ? 0 : IFA_F.NODAD;
  const addressesAndUp = [
    ...addresses.map((address) => addAddress(device, addressOf(address, flags))),
    setLink(device, { up: true }),
  ];
  const routes = routesOf({ ...setup, routes: withoutLearned(container, setup) });
  const rest = [...routes.map(prependRoute), ...(setup.afterwards ?? [])];
  if (!duplicateAddressDetection || !hasIpv6) {
    executeAll(container, [...addressesAndUp, ...rest], addresses);
    return;
  }
  withAddressWatch(netns, (watch) => {
    executeAll(container, addressesAndUp, addresses);
    settleAddresses(container, device, watch);
  });
  container.executeAll(rest);
}

/**
 * The first requests add these addresses. One of IPv6 that the interface has already stays as it is: where the kernel has made it by
 * a router advertisement, or a DHCP client has set it, it has an end.
 */
function executeAll(container: Connection, requests: readonly Request[], addresses: readonly Cidr[]): void {
  const acks = container.tryAll(requests);
  requests.forEach((request, i) => {
    const [ack, address] = [acks[i], addresses[i]];
    if (ack === undefined || ack.errno === 0) return;
    if (ack.errno === errno("EEXIST") && address !== undefined && familyOf(address.ip) === 6) return;
    throw new NetlinkError(request.operation(), ack);
  });
}

/**
 * The routes but for those that the kernel has learned from a router advertisement, which it looks after itself: to add one once more
 * would take its end away, and fail (fib6_add_rt2node() in net/ipv6/ip6_fib.c). Nobody but the link's routers has a link-local
 * address, so there is nothing to look for where no next hop is one.
 */
function withoutLearned(container: Connection, { device, addresses, routes }: ContainerSetup): readonly Route[] {
  const isByRouter = (route: Route): boolean => {
    const [first = 0, second = 0, ...rest] = nextHopOf(route, addresses) ?? [];
    return rest.length > 2 && first === 0xfe && (second & 0xc0) === 0x80;
  };
  if (!routes.some(isByRouter)) return routes;
  const learned = listRoutes(container, { family: 6, device }).filter(({ protocol }) => protocol === RTPROT.RA);
  const isLearned = (route: Route): boolean =>
    learned.some(({ dst, gateway }) => {
      const hop = nextHopOf(route, addresses);
      return sameCidr(dst, route.dst) && gateway !== undefined && hop !== undefined && compareIp(gateway, hop) === 0;
    });
  return routes.filter((route) => !isLearned(route));
}

/** The parameters by which neighbours learn of an interface, by its addresses of these families, when it comes up. */
export function announcing(name: string, families: readonly Family[] = FAMILIES): Parameter[] {
  return families.map((family) =>
    family === 4 ? [`net/ipv4/conf/${name}/arp_notify`, "1"] : [`net/ipv6/conf/${name}/ndisc_notify`, "1"],
  );
}

const HOST_PREFIX_IPV4 = 31;

/** As ip(8) and upstream add it: IPv4 with its broadcast address. Flags mean something to IPv6 only. */
function addressOf({ ip, prefixLength }: Cidr, flags: number): NewAddress {
  if (familyOf(ip) === 6) return { ip, prefixLength, flags };
  const broadcast = prefixLength < HOST_PREFIX_IPV4 ? lastOf({ ip, prefixLength }) : undefined;
  return { ip, prefixLength, broadcast };
}

/** Whatever the container's namespace was told about IPv6 before, the interface and the loopback are to have it. */
function enableIpv6(ifname: string): void {
  for (const name of ["lo", ifname]) {
    ensureSysctl(`net/ipv6/conf/${name}/disable_ipv6`, "0");
  }
  if (keepAddresses(ifname)) return;
  throw new CniError(
    CNI_CODE.INTERNAL,
    `${ifname} can't have an IPv6 address: the kernel has no IPv6 on this interface`,
    "it has none where the MTU is below 1280, and nowhere when it was started with ipv6.disable=1",
  );
}

/**
 * Has the interface keep its IPv6 addresses when it goes down and up again. Returns false where the kernel has no IPv6 on the
 * interface. The parameter of "all" counts before the interface's own (addrconf_ifdown() in net/ipv6/addrconf.c).
 */
function keepAddresses(ifname: string): boolean {
  try {
    return setSysctl(`net/ipv6/conf/${ifname}/keep_addr_on_down`, "1");
  } catch (error) {
    if (Number(readSysctl("net/ipv6/conf/all/keep_addr_on_down") ?? "0") > 0) return true;
    throw error;
  }
}

function routesOf({ device, addresses, routes }: ContainerSetup): NewRoute[] {
  return routes.map((route) => {
    const gateway = nextHopOf(route, addresses);
    return {
      dst: route.dst,
      gateway,
      device,
      table: positive(route.table),
      priority: positive(route.priority),
      scope: scopeOf(route),
      mtu: positive(route.mtu),
      advmss: positive(route.advmss),
      onlink: gateway !== undefined && isGatewayElsewhere(gateway, addresses),
    };
  });
}

/**
 * The next hop of a result's route: its own, else the first gateway of its family, else none. What a route of the scope "link" or
 * "host" leads to is on the link itself.
 */
export function nextHopOf(route: Route, addresses: readonly IpConfig[]): Ip | undefined {
  if (route.gw !== undefined || scopeOf(route) >= RT_SCOPE.LINK) return route.gw;
  const family = familyOf(route.dst.ip);
  return addresses.find(({ gateway }) => gateway !== undefined && familyOf(gateway) === family)?.gateway;
}

function scopeOf({ scope }: Route): number {
  return scope === undefined ? RT_SCOPE.UNIVERSE : scope & 0xff;
}

/**
 * Whether an address has this gateway, and no address's subnet has it. The gateway is on the link all the same, or it would
 * be nobody's, but the kernel has to be told (`onlink`).
 */
function isGatewayElsewhere(gateway: Ip, addresses: readonly IpConfig[]): boolean {
  const isGateway = addresses.some((one) => one.gateway !== undefined && compareIp(one.gateway, gateway) === 0);
  return isGateway && !addresses.some((address) => contains(address, gateway));
}

/** A number of a route as containernetworking/plugins take it: what is not above 0 says nothing. */
function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 && value <= 0xffffffff ? value : undefined;
}
