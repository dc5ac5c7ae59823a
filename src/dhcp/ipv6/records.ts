// What a daemon has to know of an interface's IPv6 when it begins, as a part of the record of the attachment.

import base64 from "base64-js";
import type { Dns } from "../../cni/result.ts";
import { hasTexts } from "../../owned/records.ts";
import { type Cidr, formatCidr, formatIp, type Ip, parseCidr, parseIp } from "../../wire/ip.ts";
import { bytesOf } from "../json.ts";
import type { Lease6 } from "./lease.ts";
import type { Identity } from "./requests.ts";
import type { Given6 } from "./result.ts";

/** IPv6 of an interface. */
export interface LeaseRecord6 {
  readonly identity: Identity;
  readonly given: Given6;
  /** What a DHCPv6 server has given; undefined where none has. */
  readonly lease: Lease6 | undefined;
}

/** As it is written. */
export function leaseRecord6ToJson({ identity, given, lease }: LeaseRecord6): object {
  const { gateway, addresses } = given;
  return {
    identity: { ...identity, duid: base64.fromByteArray(identity.duid) },
    given: {
      ...given,
      addresses: addresses.map(formatCidr),
      gateway: gateway && formatIp(gateway),
    },
    lease: lease && { ...lease, ip: formatIp(lease.ip), server: base64.fromByteArray(lease.server) },
  };
}

/** What was written; undefined where it does not tell all that it must. */
export function leaseRecord6From(value: unknown): LeaseRecord6 | undefined {
  if (!hasTexts(value, [])) return undefined;
  const [identity, given] = [identityOf(Reflect.get(value, "identity")), givenOf(Reflect.get(value, "given"))];
  const written: unknown = Reflect.get(value, "lease");
  const lease = written === undefined ? undefined : leaseOf(written);
  if (identity === undefined || given === undefined || (written !== undefined && lease === undefined)) return undefined;
  return { identity, given, lease };
}

function identityOf(value: unknown): Identity | undefined {
  if (!hasTexts(value, ["duid"])) return undefined;
  const duid = bytesOf(value, "duid");
  const iaid: unknown = Reflect.get(value, "iaid");
  return duid === undefined || typeof iaid !== "number" ? undefined : { duid, iaid };
}

function givenOf(value: unknown): Given6 | undefined {
  if (!hasTexts(value, [])) return undefined;
  const texts = textsOf(Reflect.get(value, "addresses"));
  const addresses = texts?.map((text) => parseCidr(text)).filter((one): one is Cidr => one !== undefined);
  const dns = dnsOf(Reflect.get(value, "dns"));
  if (addresses === undefined || addresses.length !== texts?.length || dns === undefined) return undefined;
  const gateway = hasTexts(value, ["gateway"]) ? ipOf(value, "gateway") : undefined;
  return { isManaged: Reflect.get(value, "isManaged") === true, addresses, gateway, dns };
}

const TIMES = ["preferred", "valid", "t1", "t2", "since"] as const;

function leaseOf(value: unknown): Lease6 | undefined {
  if (!hasTexts(value, ["ip", "server"])) return undefined;
  const [ip, server, dns] = [ipOf(value, "ip"), bytesOf(value, "server"), dnsOf(Reflect.get(value, "dns"))];
  const [preferred, valid, t1, t2, since] = TIMES.map((key): unknown => Reflect.get(value, key));
  if (ip?.length !== 16 || server === undefined || dns === undefined) return undefined;
  if (typeof preferred !== "number" || typeof valid !== "number" || typeof since !== "number") return undefined;
  if (typeof t1 !== "number" || typeof t2 !== "number") return undefined;
  return { ip, server, dns, preferred, valid, t1, t2, since };
}

function dnsOf(value: unknown): Dns | undefined {
  if (!hasTexts(value, [])) return undefined;
  return { nameservers: textsOf(Reflect.get(value, "nameservers")), search: textsOf(Reflect.get(value, "search")) };
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;
}

function ipOf(value: object, key: string): Ip | undefined {
  return parseIp(String(Reflect.get(value, key)));
}
