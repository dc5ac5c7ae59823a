// The keys of the plugin's configuration, and which of them count.

import type { NetworkConfig } from "../cni/config.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { cidr } from "../cni/fields.ts";
import { array, type Infer, integer, object, optional, withDefault } from "../cni/schema.ts";
import { networkOf } from "../wire/ip.ts";
import type { Limit, Limits, Way } from "./limits.ts";

/** JSON carries whole numbers exactly up to here; a tbf takes any such rate. */
const RATE_MAX = Number.MAX_SAFE_INTEGER;
/** A byte a second: a tbf counts in bytes. */
const RATE_MIN = 8;
/** As upstream: a burst has 32 bits, in bytes, and the last number stands for none. */
const BURST_MAX = 8 * 0xffffffff - 1;
const LATENCY_MAX = 60_000;
/** The kernel goes through them one by one for each packet, and has room for 4095 of one family. */
const SUBNETS_MAX = 1000;

const rate = (what: string): ReturnType<typeof optionalInteger> =>
  optionalInteger(`bits per second that ${what}; 0: no limit`);
const burst = (what: string): ReturnType<typeof optionalInteger> =>
  optionalInteger(`bits that ${what} at once after a pause`);

function optionalInteger(about: string) {
  return optional(integer(0, RATE_MAX, about));
}

const rateKeys = {
  ingressRate: rate("the container may receive"),
  ingressBurst: burst("the container may receive"),
  egressRate: rate("the container may send"),
  egressBurst: burst("the container may send"),
};

const subnets = (about: string) => withDefault(array(cidr(), about), []);

export const bandwidthSchema = object({
  ...rateKeys,
  latency: optional(
    integer(1, LATENCY_MAX, "milliseconds that a packet may wait for its turn; 25 and the burst's time if absent"),
  ),
  unshapedSubnets: subnets("what the container sends to these, and receives from them, has no limit"),
  shapedSubnets: subnets("only what the container sends to these, and receives from them, is limited"),
  runtimeConfig: withDefault(
    object({ bandwidth: optional(object(rateKeys, "what the runtime asks for, unless one of the four keys is here")) }),
    { bandwidth: undefined },
  ),
});

type RateKeys = Pick<Infer<typeof bandwidthSchema>, keyof typeof rateKeys>;

/**
 * The limits that are asked for; undefined where none are. Any of the four keys in the network's configuration, even 0, replaces
 * all of the runtime's, as in upstream. Throws CniError 6 for a wrong type and 7 for a wrong value.
 */
export function readLimits({ config }: { readonly config: Pick<NetworkConfig, "raw"> }): Limits | undefined {
  const { unshapedSubnets, shapedSubnets, latency, runtimeConfig, ...own } = bandwidthSchema.read(config.raw, "");
  const isOwn = Object.values(own).some((value) => value !== undefined);
  const keys: Partial<RateKeys> = isOwn ? own : (runtimeConfig.bandwidth ?? {});
  const at = isOwn ? "" : "runtimeConfig.bandwidth.";
  const [ingress, egress] = [limitOf(keys, "ingress", at), limitOf(keys, "egress", at)];
  const prefixes = subnetsOf(unshapedSubnets, shapedSubnets).map(networkOf);
  if (ingress === undefined && egress === undefined) return undefined;
  const limited = prefixes.length === 0 ? undefined : { isSpared: unshapedSubnets.length > 0, prefixes };
  return { ingress, egress, latency, subnets: limited };
}

function limitOf(keys: Partial<RateKeys>, way: Way, at: string): Limit | undefined {
  const [rateName, burstName] = [`${way}Rate`, `${way}Burst`] as const;
  const [ofRate = 0, ofBurst = 0] = [keys[rateName], keys[burstName]];
  if (ofRate === 0 && ofBurst === 0) return undefined;
  const [rateKey, burstKey] = [at + rateName, at + burstName];
  if (ofBurst === 0)
    throw invalid(`${burstKey} is missing: ${rateKey} needs one`, "if rate is set, burst must also be set");
  if (ofRate === 0)
    throw invalid(`${rateKey} is missing: ${burstKey} needs one`, "if burst is set, rate must also be set");
  if (ofRate < RATE_MIN) throw invalid(`${rateKey}: ${ofRate} is less than ${RATE_MIN}, a byte a second`);
  if (ofBurst < RATE_MIN) throw invalid(`${burstKey}: ${ofBurst} is less than ${RATE_MIN}, a byte`);
  if (ofBurst > BURST_MAX) {
    throw invalid(`${burstKey}: ${ofBurst} is more than ${BURST_MAX}`, "burst cannot be more than 4GB");
  }
  return { rate: ofRate, burst: ofBurst };
}

type Prefixes = Infer<typeof bandwidthSchema>["shapedSubnets"];

function subnetsOf(unshaped: Prefixes, shaped: Prefixes): Prefixes {
  if (unshaped.length > 0 && shaped.length > 0) {
    throw invalid("unshapedSubnets and shapedSubnets exclude each other: give one of them");
  }
  const [key, prefixes] = unshaped.length > 0 ? ["unshapedSubnets", unshaped] : ["shapedSubnets", shaped];
  if (prefixes.length <= SUBNETS_MAX) return prefixes;
  throw invalid(`${key}: ${prefixes.length} subnets are more than ${SUBNETS_MAX}`);
}

function invalid(problem: string, details?: string): CniError {
  return new CniError(CNI_CODE.INVALID_CONFIG, problem, details);
}
