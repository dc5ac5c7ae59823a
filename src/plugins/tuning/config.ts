// The configuration of tuning: its keys, the same from the runtime's args, and which of two counts.

import { parseArgs } from "../../cni/args.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import { mac, path } from "../../cni/fields.ts";
import type { Invocation } from "../../cni/plugin.ts";
import {
  array,
  boolean,
  type Infer,
  integer,
  judgedLater,
  object,
  oneOf,
  optional,
  record,
  string,
  withDefault,
} from "../../cni/schema.ts";
import { DATA_DIR } from "../../tuning/backup.ts";
import { mergeSysctls, type Sysctl } from "../../tuning/sysctl-keys.ts";
import type { Mac } from "../../wire/mac.ts";
import { CONTAINER_MAC, flag, macOfArgs, mtuKey, mtuOf, requireUsable } from "../keys.ts";

const QUEUE_LIMIT = 0xffffffff; // IFLA_TXQLEN, include/uapi/linux/if_link.h: u32

const sysctl = optional(
  record(string(), "kernel parameters below net. of the container's namespace, dots or slashes between the parts"),
);
const laterMac = optional(judgedLater(mac(CONTAINER_MAC)));
const allmulti = optional(boolean("all-multicast mode on or off; absent: as it is"));
const txQLen = optional(integer(0, QUEUE_LIMIT, "packets in the transmit queue; absent: as it is"));
const mtu = mtuKey("of the container's interface", "as it is");
const promisc = "true: promiscuous mode; false: as it is";

/** What a tenant may write in some setups: see allow. */
const argsSchema = object({
  sysctl,
  mac: laterMac,
  promisc: optional(boolean(promisc)),
  mtu: optional(mtu),
  allmulti,
  txQLen,
});

/** All but `mac`, which comes with the container wherever runtimes know it. */
const ALLOWABLE = ["sysctl", "promisc", "mtu", "allmulti", "txQLen"] as const;

const dataDir = withDefault(path("directory of the backups that DEL restores from"), DATA_DIR);

export const tuningSchema = object({
  sysctl,
  mac: laterMac,
  promisc: flag(promisc),
  mtu,
  allmulti,
  txQLen,
  dataDir,
  tuningOptions: optional(
    object(
      {
        allow: optional(array(oneOf(ALLOWABLE), "the keys that args.cni may set for a container; none unless given")),
        restoreSysctl: flag("DEL gives kernel parameters the values back that they had"),
      },
      "what upstream's plugin does not know",
    ),
  ),
  args: optional(object({ cni: optional(argsSchema) })),
  runtimeConfig: optional(object({ mac: laterMac })),
});

/** What of the interface is to be set; undefined: as it is. */
export interface LinkTuning {
  readonly mac: Mac | undefined;
  readonly promisc: true | undefined;
  readonly mtu: number | undefined;
  readonly allmulti: boolean | undefined;
  readonly txQLen: number | undefined;
}

/** The configuration of one call. */
export interface Tuning {
  /** In the order in which they are set. */
  readonly sysctls: readonly Sysctl[];
  readonly link: LinkTuning;
  readonly dataDir: string;
  readonly restoresSysctls: boolean;
  /** The keys that args.cni has, but for `mac`. */
  readonly ofTenant: readonly (typeof ALLOWABLE)[number][];
  /** Those of them that the network leaves to args.cni. */
  readonly allowed: readonly string[];
}

/** Reads the keys. Throws CniError, 4 for CNI_ARGS. */
export function readTuning(invocation: Invocation): Tuning {
  const { config } = invocation;
  const ifname = invocation.ifname || ANY_NAME;
  const values = tuningSchema.read(config.raw, "");
  const args = values.args?.cni ?? NO_ARGS;
  const { allow, restoreSysctl } = values.tuningOptions ?? { allow: undefined, restoreSysctl: false };
  return {
    sysctls: mergeSysctls(config, ifname, { sysctl: values.sysctl, "args.cni.sysctl": args.sysctl }),
    link: {
      mac: macIn(values, invocation.args),
      promisc: (args.promisc ?? values.promisc) || undefined,
      mtu: args.mtu === undefined ? mtuOf(values) : mtuOf({ mtu: args.mtu }, "args.cni.mtu"),
      allmulti: args.allmulti ?? values.allmulti,
      txQLen: args.txQLen ?? values.txQLen,
    },
    dataDir: withoutSlash(values.dataDir),
    restoresSysctls: restoreSysctl,
    ofTenant: ALLOWABLE.filter((key) => args[key] !== undefined),
    allowed: allow ?? [],
  };
}

/** STATUS has no interface, and judges keys all the same. */
const ANY_NAME = "IFNAME";

const NO_ARGS = argsSchema.read({}, "");

/** The address that is asked for. Of several the last counts, and the others are not judged. */
function macIn({ args, runtimeConfig, mac: own }: Infer<typeof tuningSchema>, cniArgs: string): Mac | undefined {
  const { MAC } = parseArgs(cniArgs, ["MAC"]);
  const ofRuntime = args?.cni?.mac ?? runtimeConfig?.mac;
  const wanted = ofRuntime?.() ?? (MAC ? macOfArgs(MAC) : own?.());
  return wanted === undefined ? undefined : requireUsable(wanted);
}

const directorySchema = object({ dataDir });

/** The data directory alone, for DEL, which a wrong value elsewhere is no reason to refuse. Throws CniError. */
export function dataDirOf({ config }: Pick<Invocation, "config">): string {
  return withoutSlash(directorySchema.read(config.raw, "").dataDir);
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.replace(/\/+$/, "") : path;
}

/** Throws CniError 7, which says what an operator would write, unless the network lets args.cni set the keys that it has. */
export function requirePermission({ ofTenant, allowed }: Tuning, hasAllowList: boolean): void {
  for (const key of ofTenant) {
    if (allowed.includes(key) || (key === "sysctl" && hasAllowList)) continue;
    const wanted = JSON.stringify([...allowed, key]);
    throw new CniError(
      CNI_CODE.INVALID_CONFIG,
      `args.cni.${key}: the network does not let a container choose it`,
      `an operator allows it by "tuningOptions": {"allow": ${wanted}} in the network's configuration`,
    );
  }
}
