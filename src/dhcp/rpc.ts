// The protocol between plugin and daemon, as upstream's have it: Go's net/rpc over HTTP CONNECT, in gob.

import type { Dns, IpConfig, Result, Route } from "../cni/result.ts";
import { isStruct } from "../gob/decode.ts";
import type { GobStruct, GobType, GobValue } from "../gob/types.ts";
import { DecodeError } from "../wire/error.ts";
import { type Cidr, type Ip, maskLength, maskOf } from "../wire/ip.ts";

/** What a client sends first. */
export const CONNECT = "CONNECT /_goRPC_ HTTP/1.0\n\n";
/** What it is answered. The text behind the number counts, too. */
export const CONNECTED = "HTTP/1.0 200 Connected to Go RPC\n\n";

/** The methods of the daemon. Upstream's has the first two. */
export const METHOD = {
  ALLOCATE: "DHCP.Allocate",
  RELEASE: "DHCP.Release",
  /** Answers as Allocate does where there is a lease, and never asks for one. */
  CHECK: "DHCP.Check",
  /** Gives back the leases of attachments that GC does not name. */
  COLLECT: "DHCP.Collect",
} as const;

type StructType = Extract<GobType, { readonly fields: unknown }>;

export const REQUEST: StructType = {
  name: "Request",
  fields: [
    ["ServiceMethod", "string"],
    ["Seq", "uint"],
  ],
};

export const RESPONSE: StructType = {
  name: "Response",
  fields: [
    ["ServiceMethod", "string"],
    ["Seq", "uint"],
    ["Error", "string"],
  ],
};

/** What is answered where there is nothing to answer. */
export const NOTHING: StructType = { name: "", fields: [] };

/** The attributes of a call of a plugin (CNI's pkg/skel). */
export const CMD_ARGS: StructType = {
  name: "CmdArgs",
  fields: [
    ["ContainerID", "string"],
    ["Netns", "string"],
    ["IfName", "string"],
    ["Args", "string"],
    ["Path", "string"],
    ["NetnsOverride", "string"],
    ["StdinData", "bytes"],
  ],
};

const IP_NET: StructType = {
  name: "IPNet",
  fields: [
    ["IP", "bytes"],
    ["Mask", "bytes"],
  ],
};
const TEXTS: GobType = { name: "[]string", element: "string" };

export const RESULT: StructType = {
  name: "Result",
  fields: [
    ["CNIVersion", "string"],
    ["Interfaces", { name: "[]*types100.Interface", element: { name: "Interface", fields: [["Name", "string"]] } }],
    [
      "IPs",
      {
        name: "[]*types100.IPConfig",
        element: {
          name: "IPConfig",
          fields: [
            ["Interface", "int"],
            ["Address", IP_NET],
            ["Gateway", "bytes"],
          ],
        },
      },
    ],
    [
      "Routes",
      {
        name: "[]*types.Route",
        element: {
          name: "Route",
          fields: [
            ["Dst", IP_NET],
            ["GW", "bytes"],
            ["MTU", "int"],
            ["AdvMSS", "int"],
            ["Priority", "int"],
            ["Table", "int"],
            ["Scope", "int"],
          ],
        },
      },
    ],
    [
      "DNS",
      {
        name: "DNS",
        fields: [
          ["Nameservers", TEXTS],
          ["Domain", "string"],
          ["Search", TEXTS],
          ["Options", TEXTS],
        ],
      },
    ],
  ],
};

/** A call of the plugin, as the daemon is told. */
export interface CmdArgs {
  readonly containerId: string;
  readonly netns: string;
  readonly ifname: string;
  readonly args: string;
  readonly path: string;
  readonly stdin: Uint8Array;
}

export function cmdArgsToGob({ containerId, netns, ifname, args, path, stdin }: CmdArgs): GobStruct {
  return { ContainerID: containerId, Netns: netns, IfName: ifname, Args: args, Path: path, StdinData: stdin };
}

/** Throws DecodeError where a field is of another type. */
export function cmdArgsOf(value: GobStruct): CmdArgs {
  return {
    containerId: textOf(value, "ContainerID"),
    netns: textOf(value, "Netns"),
    ifname: textOf(value, "IfName"),
    args: textOf(value, "Args"),
    path: textOf(value, "Path"),
    stdin: bytesOf(value, "StdinData"),
  };
}

export function resultToGob({ ips, routes, dns }: Result): GobStruct {
  return {
    IPs: ips.map(({ gateway, ...address }) => ({ Address: netOf(address), Gateway: gateway ?? new Uint8Array(0) })),
    Routes: routes.map(({ dst, gw, mtu, advmss, priority, table, scope }) => ({
      Dst: netOf(dst),
      GW: gw ?? new Uint8Array(0),
      MTU: mtu,
      AdvMSS: advmss,
      Priority: priority,
      Table: table,
      Scope: scope,
    })),
    DNS: { Nameservers: dns.nameservers, Domain: dns.domain, Search: dns.search, Options: dns.options },
  };
}

/** The addresses, routes and name servers of a result. Throws DecodeError where it is none. */
export function resultOf(value: GobStruct): Result {
  return {
    interfaces: [],
    ips: structsOf(value, "IPs").map((one): IpConfig => ({ ...cidrOf(one, "Address"), gateway: ipOf(one, "Gateway") })),
    routes: structsOf(value, "Routes").map(routeOf),
    dns: dnsOf(value["DNS"]),
  };
}

function routeOf(value: GobStruct): Route {
  return {
    dst: cidrOf(value, "Dst"),
    gw: ipOf(value, "GW"),
    mtu: numberOf(value, "MTU"),
    advmss: numberOf(value, "AdvMSS"),
    priority: numberOf(value, "Priority"),
    table: numberOf(value, "Table"),
    scope: numberOf(value, "Scope"),
  };
}

function dnsOf(value: GobValue | undefined): Dns {
  if (value === undefined) return {};
  if (!isStruct(value)) throw wrong("DNS");
  return {
    nameservers: textsOf(value, "Nameservers"),
    domain: textOf(value, "Domain") || undefined,
    search: textsOf(value, "Search"),
    options: textsOf(value, "Options"),
  };
}

function netOf({ ip, prefixLength }: Cidr): GobStruct {
  return { IP: ip, Mask: maskOf(prefixLength, ip.length === 4 ? 4 : 6) };
}

/** What comes before an IPv4 address in an IPv6 one. */
const V4_IN_V6 = 12;

function cidrOf(value: GobStruct, name: string): Cidr {
  const net = value[name];
  if (!isStruct(net)) throw wrong(name);
  const ip = ipOf(net, "IP");
  const mask = bytesOf(net, "Mask");
  const own = ip?.length === 4 && mask.length === 16 ? mask.subarray(V4_IN_V6) : mask;
  const prefixLength = maskLength(own);
  if (ip?.length !== own.length || prefixLength === undefined) throw wrong(name);
  return { ip, prefixLength };
}

/** Go keeps IPv4 addresses in 16 bytes, too: ::ffff:a.b.c.d. */
function ipOf(value: GobStruct, name: string): Ip | undefined {
  const bytes = bytesOf(value, name);
  if (bytes.length === 0) return undefined;
  if (bytes.length === 4) return bytes;
  if (bytes.length !== 16) throw wrong(name);
  const isV4 = bytes.subarray(0, V4_IN_V6).every((byte, i) => byte === (i < 10 ? 0 : 0xff));
  return isV4 ? bytes.slice(V4_IN_V6) : bytes;
}

function textOf(value: GobStruct, name: string): string {
  const { [name]: found = "" } = value;
  if (typeof found === "string") return found;
  throw wrong(name);
}

function bytesOf(value: GobStruct, name: string): Uint8Array {
  const { [name]: found = new Uint8Array(0) } = value;
  if (found instanceof Uint8Array) return found;
  throw wrong(name);
}

function numberOf(value: GobStruct, name: string): number | undefined {
  const found = value[name];
  if (found === undefined || typeof found === "number") return found;
  throw wrong(name);
}

function listOf(value: GobStruct, name: string): readonly GobValue[] {
  const { [name]: found = [] } = value;
  if (Array.isArray(found)) return found;
  throw wrong(name);
}

function textsOf(value: GobStruct, name: string): readonly string[] | undefined {
  const texts = listOf(value, name).map((one) => {
    if (typeof one === "string") return one;
    throw wrong(name);
  });
  return texts.length > 0 ? texts : undefined;
}

function structsOf(value: GobStruct, name: string): readonly GobStruct[] {
  return listOf(value, name).map((one) => {
    if (isStruct(one)) return one;
    throw wrong(name);
  });
}

function wrong(name: string): DecodeError {
  return new DecodeError(`${name} is not what it should be`);
}
