// The sets of test/golden/nftables/sets.nft, for addSet.

import { concatType, lengthOf, TYPE } from "../../src/nftables/datatype.ts";
import type { SetSpec } from "../../src/nftables/set.ts";
import { counter, limitRate } from "../../src/nftables/statement.ts";
import { NFT_DATA_VERDICT, NFT_OBJECT, NFT_SET, NFT_SET_POL } from "../../src/nftables/uapi.ts";

type Layout = Omit<SetSpec, "family" | "table" | "name">;

const key = (...types: readonly number[]): { readonly keyType: number; readonly keyLength: number } => ({
  keyType: concatType(...types),
  keyLength: lengthOf(...types),
});
const data = (...types: readonly number[]): { readonly dataType: number; readonly dataLength: number } => ({
  dataType: concatType(...types),
  dataLength: lengthOf(...types),
});
export const address = key(TYPE.IPADDR);

/** The sets of sets.nft by name. */
export const SETS: Readonly<Record<string, Layout>> = {
  plain: address,
  owners: { ...address, ...data(TYPE.IP6ADDR), comment: "hello" },
  policies: { ...address, dataType: NFT_DATA_VERDICT, expressions: counter() },
  limits: {
    ...address,
    flags: NFT_SET.TIMEOUT,
    size: 100,
    timeout: 3_600_000n,
    gcInterval: 300_000,
    policy: NFT_SET_POL.MEMORY,
  },
  several: { ...address, expressions: [...limitRate(1, 1), ...counter()] },
  networks: { ...key(TYPE.IP6ADDR), flags: NFT_SET.INTERVAL },
  names: key(TYPE.IFNAME),
  macs: key(TYPE.ETHERADDR),
  ports: { ...key(TYPE.INET_SERVICE), flags: NFT_SET.INTERVAL | NFT_SET.TIMEOUT },
  marks: key(TYPE.MARK),
  protocols: key(TYPE.INET_PROTOCOL),
  ethertypes: key(TYPE.ETHERTYPE),
  forwards: { ...key(TYPE.INET_PROTOCOL, TYPE.INET_SERVICE), ...data(TYPE.IPADDR, TYPE.INET_SERVICE) },
  guarded: key(TYPE.IFNAME, TYPE.ETHERADDR),
  guards: { ...key(TYPE.IFNAME, TYPE.ETHERADDR), dataType: NFT_DATA_VERDICT },
  "names-by-mark": { ...key(TYPE.MARK), ...data(TYPE.IFNAME) },
  "marks-by-address": { ...address, ...data(TYPE.MARK) },
  counters: { ...address, objectType: NFT_OBJECT.COUNTER },
  targets: { ...key(TYPE.IPADDR, TYPE.INET_SERVICE), flags: NFT_SET.INTERVAL },
  "icmp-types": key(TYPE.ICMP_TYPE),
  "icmp6-types": key(TYPE.ICMP6_TYPE),
  links: key(TYPE.IFINDEX),
  states: key(TYPE.CT_STATE),
  users: key(TYPE.UID),
  groups: key(TYPE.GID),
  "address-types": key(TYPE.FIB_ADDR),
  "packet-types": key(TYPE.PKTTYPE),
};
